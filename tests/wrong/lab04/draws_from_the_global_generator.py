"""The generator that is passed in is not used."""
# fails: draws_come_from_the_generator, writing_repeats_with_its_seed


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    return torch.distributions.Categorical(logits=scores / temperature).sample()
