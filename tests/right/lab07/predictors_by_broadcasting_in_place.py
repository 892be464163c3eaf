"""Other names, ramps added in place, the line of samples extended by concatenation."""


# %% planar
def sides(samples):
    n = samples.size(-1) // 4
    below, left, above, right = (samples[..., s : s + n] for s in (0, n, 2 * n + 1, 3 * n + 1))
    return n, below.flip(-1), left.flip(-1), above, right


def planar(samples):
    n, below, left, above, right = sides(samples)
    up = torch.arange(1, n + 1)
    total = torch.einsum("...y,x->...yx", left, n - up)
    total += torch.einsum("...x,y->...yx", above, n - up)
    total += right[..., :1, None] * up
    total += below[..., :1, None] * up[:, None]
    return torch.div(total + n, 2 * n, rounding_mode="floor")


def dc(samples):
    n, _, left, above, _ = sides(samples)
    m = ((torch.cat([left, above], -1).sum(-1) + n) // (2 * n))[..., None, None]
    block = m.repeat(*[1] * (samples.ndim - 1), n, n)
    if n == 32:
        return block
    block[..., 1:, :1] = (left[..., 1:, None] + 3 * m + 2) // 4
    block[..., :1, 1:] = (above[..., None, 1:] + 3 * m + 2) // 4
    block[..., :1, :1] = (left[..., :1, None] + above[..., None, :1] + 2 * m + 2) // 4
    return block


# %% angular
def angular(samples, angle):
    n = samples.size(-1) // 4
    line = samples[..., 2 * n :]
    offset = 0
    if angle < 0:
        back = torch.arange(-n, 0)
        index = (2 * n - ((back * round(8192 / angle) + 128) >> 8)).clamp(min=0)
        line = torch.cat([samples[..., index], line], dim=-1)
        offset = n
    line = torch.cat([line, line[..., -1:]], dim=-1)
    rows = []
    for y in range(1, n + 1):
        i, f = y * angle // 32, y * angle % 32
        start = offset + i + 1
        first, second = line[..., start : start + n], line[..., start + 1 : start + n + 1]
        rows.append((first * (32 - f) + second * f + 16).div(32, rounding_mode="floor"))
    return torch.stack(rows, dim=-2)
