"""Every number by itself with math.sin and math.cos; other loops around it."""


# %% positions
def positions(start, stop, d):
    table = torch.zeros(stop - start, d, dtype=torch.float64)
    for row in range(stop - start):
        for channel in range(d):
            pair = channel - channel % 2
            angle = (start + row) * math.exp(-math.log(10_000.0) * pair / d)
            table[row, channel] = math.cos(angle) if channel % 2 else math.sin(angle)
    return table
