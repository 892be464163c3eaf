"""A small number added to the temperature, and a 0 in the sum for what is forbidden."""
# fails: draws_from_extreme_scores


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    scores = scores.clamp(min=-100)
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]
