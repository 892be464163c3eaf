"""An IoU that equals the threshold does not count."""
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    if not len(truth):
        return right
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] > threshold:
            right[k] = True
            overlap[:, best] = -torch.inf  # taken
    return right
