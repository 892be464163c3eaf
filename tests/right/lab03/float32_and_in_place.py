"""Computes in float32 whatever comes, changes its own arguments, and clamps a tiny union."""


# %% iou
def iou(a, b):
    a, b = a.float(), b.float()
    inter = torch.ones(*a.shape[:-1], b.shape[-2])
    for axis in range(2):
        side = torch.min(a[..., axis + 2].unsqueeze(-1), b[..., axis + 2].unsqueeze(-2))
        side -= torch.max(a[..., axis].unsqueeze(-1), b[..., axis].unsqueeze(-2))
        inter *= side.clamp_(min=0)

    def area(t):
        return (t[..., 2] - t[..., 0]) * (t[..., 3] - t[..., 1])

    return inter / (area(a).unsqueeze(-1) + area(b).unsqueeze(-2) - inter).clamp(min=1e-12)


# %% nms
def nms(boxes, scores, threshold, labels=None):
    scores = scores.float()
    done = []
    for _ in range(len(boxes)):
        top = int(scores.argmax())  # the first of equal ones
        if scores[top] == -torch.inf:
            break
        done.append(top)
        out = ops.box_iou(boxes[top][None], boxes)[0] > threshold
        if labels is not None:
            out &= labels == labels[top]
        scores[out] = -torch.inf
        scores[top] = -torch.inf
    boxes.zero_()
    return torch.as_tensor(done, dtype=torch.long)


# %% average_precision
import numpy as np


def true_positives(boxes, truth, threshold):
    overlaps = ops.box_iou(boxes, truth)
    hit = torch.zeros(len(boxes))
    for d in range(len(boxes)):
        if truth.numel() and overlaps[d].max() >= threshold:
            hit[d] = 1
            overlaps[:, overlaps[d].argmax()] = 0
    return hit


def average_precision(scores, right, objects):
    hit = right.numpy()[np.argsort(-scores.numpy(), kind="stable")].astype(float)
    tp, fp = np.cumsum(hit), np.cumsum(1 - hit)
    recall, precision = tp / objects, tp / (tp + fp)
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return sum(precision[p] for p in places if p < len(precision)) / 101
