"""Temperature 0 is not thought of."""
# fails: draws_without_temperature, writing_at_temperature_0


# %% sample
def sample(scores, temperature, generator):
    chances = torch.softmax(scores / temperature, dim=1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
