"""Sorts the sequences by length, as packing once asked for, and never sorts them back."""
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    order = lengths.argsort(descending=True, stable=True)
    x, lengths, h, c = x[:, order], lengths[order], h[order], c[order]
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c
