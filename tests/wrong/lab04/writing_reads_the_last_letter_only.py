"""Only the last character of the start is read."""
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    state, now, written = None, start[-1:], []
    for _ in range(length):
        scores, state = net(now[None], state)
        now = sample(scores[-1], temperature, generator)
        written.append(now)
    return torch.cat(written)
