"""Pixel by pixel, over a flat list of blocks; the line of samples as a dict."""


# %% planar
def planar(samples):
    n = (samples.shape[-1] - 1) // 4
    flat = samples.reshape(-1, 4 * n + 1)
    block = torch.zeros(len(flat), n, n, dtype=torch.int64)
    shift = {4: 3, 8: 4, 16: 5, 32: 6}[n]
    for y in range(n):
        for x in range(n):
            across = (n - 1 - x) * flat[:, 2 * n - 1 - y] + (x + 1) * flat[:, 3 * n + 1]
            down = (n - 1 - y) * flat[:, 2 * n + 1 + x] + (y + 1) * flat[:, n - 1]
            block[:, y, x] = (across + down + n) // 2**shift
    return block.reshape(*samples.shape[:-1], n, n)


def dc(samples):
    n = (samples.shape[-1] - 1) // 4
    flat = samples.reshape(-1, 4 * n + 1)
    mean = (flat[:, n : 2 * n].sum(1) + flat[:, 2 * n + 1 : 3 * n + 1].sum(1) + n) // (2 * n)
    block = torch.empty(len(flat), n, n, dtype=torch.int64)
    for y in range(n):
        for x in range(n):
            left, above = flat[:, 2 * n - 1 - y], flat[:, 2 * n + 1 + x]
            value = mean
            if n != 32 and x == y == 0:
                value = (left + above + 2 * mean + 2) // 4
            elif n != 32 and y == 0:
                value = (above + 3 * mean + 2) // 4
            elif n != 32 and x == 0:
                value = (left + 3 * mean + 2) // 4
            block[:, y, x] = value
    return block.reshape(*samples.shape[:-1], n, n)


# %% angular
def angular(samples, angle):
    n = (samples.shape[-1] - 1) // 4
    line = {k: samples[..., 2 * n + k] for k in range(2 * n + 1)}
    if angle < 0:
        v = round(8192 / angle)
        for k in range(1, n + 1):
            place = 2 * n - ((-k * v + 128) >> 8)
            line[-k] = samples[..., max(place, 0)]
    block = torch.zeros(*samples.shape[:-1], n, n, dtype=torch.int64)
    for y in range(n):
        i, f = divmod((y + 1) * angle, 32)
        for x in range(n):
            if f == 0:
                block[..., y, x] = line[x + i + 1]
            else:
                block[..., y, x] = ((32 - f) * line[x + i + 1] + f * line[x + i + 2] + 16) // 32
    return block
