"""After the start its last character is read once more."""
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    _, state = net(start[:, None])
    now, written = start[-1:], []
    for _ in range(length):
        scores, state = net(now[None], state)
        now = sample(scores[-1], temperature, generator)
        written.append(now)
    return torch.cat(written)
