"""The union is the sum of both areas: a box has IoU 1/2 with itself."""
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1)
    return both / either.where(either > 0, 1)
