"""Behind the end the output is the last state instead of 0."""
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(h)
    return torch.stack(outputs), h, c
