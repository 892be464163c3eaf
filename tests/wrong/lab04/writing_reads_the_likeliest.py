"""Draws one character and lets the network read another, the likeliest."""
# fails: writing_draws_from_what_was_written


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], temperature, generator))
        scores, state = net(scores[-1:].argmax(dim=2), state)
    return torch.cat(written)
