"""x2 - x1 + 1: the last pixel counted, as for boxes that hold pixels."""
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low + 1).clamp(min=0).prod(dim=-1)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2] + 1).prod(dim=-1) + (b[..., 2:] - b[..., :2] + 1).prod(dim=-1) - both
    return both / either.where(either > 0, 1)
