"""Seeds the generator at each call: the same draw for ever."""
# fails: draws_come_from_the_generator, writing_draws_from_what_was_written


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    generator.manual_seed(generator.initial_seed())
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]
