"""Even and odd channels are written by slices, in place."""


# %% positions
def positions(start, stop, d):
    t = torch.arange(start, stop).double().unsqueeze(1)
    omega = torch.pow(10_000.0, -torch.arange(0, d, 2).double() / d)
    table = torch.empty(len(t), d, dtype=torch.double)
    table[:, 0::2] = torch.sin(t * omega)
    table[:, 1::2] = torch.cos(t * omega[: d // 2])
    return table
