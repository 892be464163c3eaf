"""Probabilities divided by the temperature: multinomial normalises it away."""
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores, dim=1) / temperature
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
