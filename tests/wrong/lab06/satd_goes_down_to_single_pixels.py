"""Where no tile fits, each pixel is a tile."""
# fails: satd_refuses_what_does_not_fit


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2, 1) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)
