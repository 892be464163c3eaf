"""An object is never marked as taken: a second box on it counts as right."""
# fails: true_positives_of_random_detections, true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    if not len(truth):
        return right
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] >= threshold:
            right[k] = True
    return right
