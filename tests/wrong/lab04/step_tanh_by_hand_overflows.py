"""tanh as a quotient of exponentials: infinite over infinite for a gate that is wide open."""
# fails: step_survives_saturated_gates


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    def tanh(z):
        return (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z))

    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * tanh(g)
    return torch.sigmoid(o) * tanh(c), c
