"""The canvas where the prediction should stand."""
# fails: surroundings_inside_the_picture


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    return pixels, inside
