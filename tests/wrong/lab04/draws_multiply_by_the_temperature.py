"""The scores are multiplied: a high temperature sharpens."""
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores * temperature, dim=1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
