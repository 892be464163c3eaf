"""The outputs end with the longest sequence instead of with the rectangle."""
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(int(lengths.max())):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c
