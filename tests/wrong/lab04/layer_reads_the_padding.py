"""The lengths only blank the outputs; the state runs on through the padding."""
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        h, c = lstm_step(x[t], h, c, *weights)
        outputs.append(h * (t < lengths)[:, None])
    return torch.stack(outputs), h, c
