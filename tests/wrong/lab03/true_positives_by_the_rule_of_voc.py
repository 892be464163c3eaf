"""The best of all objects, also the taken ones: then the second best is never asked."""
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes, truth, threshold):
    right = torch.zeros(len(boxes), dtype=torch.bool)
    taken = torch.zeros(len(truth), dtype=torch.bool)
    if len(truth) == 0:
        return right
    for k, overlap in enumerate(iou(boxes, truth)):
        best = overlap.argmax()
        if overlap[best] >= threshold and not taken[best]:
            right[k] = taken[best] = True
    return right
