"""Python loops: the cosine table entry by entry, one block after the other, tiles cut one by one."""


# %% dct
def dct_matrix(size):
    rows = []
    for k in range(size):
        factor = math.sqrt((1 if k == 0 else 2) / size)
        rows.append([factor * math.cos(math.pi / size * (j + 0.5) * k) for j in range(size)])
    return torch.tensor(rows, dtype=torch.float64)


def each_block(blocks, left, right):
    flat = blocks.reshape(-1, *blocks.shape[-2:])
    done = [left @ block @ right for block in flat]
    return torch.stack(done).reshape(blocks.shape) if done else torch.zeros_like(blocks)


def dct(residual):
    c = dct_matrix(residual.size(-1)).to(residual.dtype).to(residual.device)
    return each_block(residual, c, c.T)


def idct(coefficients):
    c = dct_matrix(coefficients.size(-1)).to(coefficients.dtype).to(coefficients.device)
    return each_block(coefficients, c.T, c)


# %% satd
def residual_of(original, prediction):
    return (original.long() - prediction.long()).to(torch.float32)


def sad(residual):
    return abs(residual).sum(-1).sum(-1)


def sse(residual):
    return (residual * residual).sum(-1).sum(-1)


def satd(residual, tile=None):
    height, width = residual.shape[-2], residual.shape[-1]
    if tile is None:
        tile = 2
        while tile < 8 and height % (2 * tile) == 0 and width % (2 * tile) == 0:
            tile *= 2
    if height % tile != 0 or width % tile != 0:
        raise ValueError("pad the block first")
    total = 0
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            total = total + hadamard(residual[..., y : y + tile, x : x + tile]).abs().sum((-1, -2))
    return 2 * total / tile
