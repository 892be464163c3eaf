"""All four parts go through the sigmoid, so the cell can only grow."""
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = torch.sigmoid(x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c
