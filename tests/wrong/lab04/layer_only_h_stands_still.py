"""h is held behind the end, c is forgotten."""
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, c = lstm_step(x[t], h, c, *weights)
        h = torch.where(alive, new_h, h)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c
