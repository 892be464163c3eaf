"""One uniform number a row, looked up among the cumulated probabilities, in float64."""


# %% sample
def sample(scores, temperature, generator):
    if temperature < 1e-8:
        return torch.max(scores, dim=-1).indices
    z = (scores.double() - scores.double().amax(1, keepdim=True)) / temperature
    p = z.exp()
    edges = (p / p.sum(1, keepdim=True)).cumsum(1)
    u = torch.rand(len(scores), 1, generator=generator, dtype=torch.float64).to(scores.device)
    last = (p > 0).double().cumsum(1).argmax(1)  # rounding must not reach a forbidden character
    return torch.minimum(torch.searchsorted(edges, u, right=True)[:, 0], last)
