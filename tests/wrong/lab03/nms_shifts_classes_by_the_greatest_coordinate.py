"""Shifts each class by the greatest coordinate, which is too little where coordinates are negative."""
# fails: nms_by_class


# %% nms
def nms(boxes, scores, threshold, labels=None):
    if labels is not None:
        boxes = boxes + labels[:, None] * boxes.max()
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][iou(boxes[left[:1]], boxes[left[1:]])[0] <= threshold]
    return torch.stack(kept) if kept else left
