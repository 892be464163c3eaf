"""The state is not handed on: each character follows from the last one alone."""
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, _ = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], temperature, generator))
        scores, _ = net(written[-1][None])
    return torch.cat(written)
