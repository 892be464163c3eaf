"""The two results stand in the wrong order."""
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return c, torch.sigmoid(o) * torch.tanh(c)
