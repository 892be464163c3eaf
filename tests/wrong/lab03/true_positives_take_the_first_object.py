"""Takes the first free object that is good enough, not the best one."""
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes, truth, threshold):
    free, right = list(range(len(truth))), []
    for row in iou(boxes, truth).tolist():
        fits = [m for m in free if row[m] >= threshold]
        right.append(bool(fits))
        if fits:
            free.remove(fits[0])
    return torch.tensor(right, dtype=torch.bool)
