"""Zeros are read behind the end, in the belief that zeros do not move a state."""
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        h, c = lstm_step(x[t] * alive, h, c, *weights)
        outputs.append(h * alive)
    return torch.stack(outputs), h, c
