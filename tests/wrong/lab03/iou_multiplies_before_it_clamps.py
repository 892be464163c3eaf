"""Two negative sides make a positive area: boxes that are apart on both axes seem to overlap."""
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).prod(dim=-1).clamp(min=0)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1) - both
    return both / either.where(either > 0, 1)
