"""Draws from the scores after the first character of the start."""
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[0], temperature, generator))
        scores, state = net(written[-1][None], state)
    return torch.cat(written)
