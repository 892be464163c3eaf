"""Indexes from the front, so that leading dimensions are not kept."""
# fails: iou_with_leading_dimensions


# %% iou
def iou(a, b):
    low = torch.maximum(a[:, None, :2], b[:, :2])
    high = torch.minimum(a[:, None, 2:], b[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=2)
    either = (a[:, 2:] - a[:, :2]).prod(dim=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(dim=1) - both
    return torch.where(either > 0, both / either.clamp(min=1e-12), 0)
