"""A loop over the sequences, each read to its own end; padded afterwards."""


# %% lstm
def lstm(x, lengths, h, c, *weights):
    steps, finals_h, finals_c, columns = len(x), [], [], []
    for n, length in enumerate(lengths.tolist()):
        state_h, state_c, seen = h[n : n + 1], c[n : n + 1], []
        for t in range(length):
            state_h, state_c = lstm_step(x[t, n : n + 1], state_h, state_c, *weights)
            seen.append(state_h[0])
        columns.append(F.pad(torch.stack(seen), (0, 0, 0, steps - length)))
        finals_h.append(state_h)
        finals_c.append(state_c)
    return torch.stack(columns, dim=1), torch.cat(finals_h), torch.cat(finals_c)
