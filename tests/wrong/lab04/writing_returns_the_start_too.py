"""The start is part of the result."""
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    text = start
    for _ in range(length):
        scores, _ = net(text[:, None])
        text = torch.cat([text, sample(scores[-1], temperature, generator)])
    return text
