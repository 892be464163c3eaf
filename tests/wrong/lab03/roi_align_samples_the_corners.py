"""Sample points from edge to edge of the box, not in the middle of their parts."""
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = torch.linspace(0, 1, points, dtype=boxes.dtype)
    low, high = (boxes * spatial_scale - 0.5).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)
