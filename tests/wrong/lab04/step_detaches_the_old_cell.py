"""The values are right, but no gradient goes back along the cell."""
# fails: step_passes_gradients_to_everything, layer_gradients


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c.detach() + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
