"""A point far outside reads the border."""
# fails: bilinear_at_the_border


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return upper * (1 - down) + lower * down
