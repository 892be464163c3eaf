"""The margin is half a block."""
# fails: surroundings_of_other_sizes


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    margin = n // 2
    along = torch.arange(-margin, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, margin:, margin:] = prediction
    return pixels, inside
