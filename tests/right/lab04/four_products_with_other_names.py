"""Each gate has its own matrices and its own products; nothing is called as in the text."""


# %% lstm_step
def lstm_step(inp, hidden, memory, A, B, bias1, bias2):
    size = hidden.size(-1)

    def part(k):
        rows = slice(k * size, (k + 1) * size)
        return torch.einsum("nx,hx->nh", inp, A[rows]) + F.linear(hidden, B[rows], bias1[rows] + bias2[rows])

    write_gate, keep, show = (1 / (1 + torch.exp(-part(k).clamp(-700, 700))) for k in (0, 1, 3))
    memory = torch.addcmul(keep * memory, write_gate, part(2).tanh())
    return [show * memory.tanh(), memory]
