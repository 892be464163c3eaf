"""Stacks an empty list where there is no box."""
# fails: nms_at_the_edge


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] > threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept)
