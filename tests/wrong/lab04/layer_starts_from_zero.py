"""The given start state is overwritten."""
# fails: layer_on_full_sequences


# %% lstm
def lstm(x, lengths, h, c, *weights):
    h, c = torch.zeros_like(h), torch.zeros_like(c)
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c
