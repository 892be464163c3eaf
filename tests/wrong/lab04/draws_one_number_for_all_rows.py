"""One uniform number decides all rows of the batch."""
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    edges = torch.softmax(scores / temperature, dim=1).cumsum(dim=1)
    u = torch.rand((), generator=generator, dtype=edges.dtype)
    return (edges < u).sum(dim=1).clamp(max=scores.shape[1] - 1)
