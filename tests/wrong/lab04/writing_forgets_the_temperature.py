"""Always draws at temperature 1."""
# fails: writing_draws_from_what_was_written


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], 1.0, generator))
        scores, state = net(written[-1][None], state)
    return torch.cat(written)
