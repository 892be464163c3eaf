"""Only the input's bias is added."""
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (F.linear(x, w_input, b_input) + F.linear(h, w_hidden)).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
