"""One comparison with every better box, whether that one survived or not."""
# fails: nms_of_random_boxes


# %% nms
def nms(boxes, scores, threshold, labels=None):
    order = scores.argsort(descending=True, stable=True)
    over = iou(boxes[order], boxes[order]) > threshold
    if labels is not None:
        over &= labels[order][:, None] == labels[order]
    return order[~over.triu(1).any(dim=0)]
