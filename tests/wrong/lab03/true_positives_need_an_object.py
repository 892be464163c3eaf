"""Asks for the best of no objects."""
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] >= threshold:
            right[k] = True
            overlap[:, best] = -torch.inf  # taken
    return right
