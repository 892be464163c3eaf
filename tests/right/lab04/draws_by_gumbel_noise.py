"""The Gumbel trick: the greatest of scores plus noise; no softmax anywhere."""


# %% sample
def sample(scores, temperature, generator):
    if not temperature:
        return scores.argmax(-1)
    noise = -torch.log(torch.empty(scores.shape, dtype=torch.float64).exponential_(generator=generator))
    return (scores / temperature + noise.to(scores.device)).argmax(-1)
