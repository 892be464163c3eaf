"""The softmax runs over the rows instead of the characters."""
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores / temperature, dim=0)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
