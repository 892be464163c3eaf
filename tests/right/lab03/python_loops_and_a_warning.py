"""Python numbers and loops everywhere, no broadcasting, and a warning on every call."""

# %% iou
import warnings


def one_iou(p, q):
    px1, py1, px2, py2 = p
    qx1, qy1, qx2, qy2 = q
    w, h = min(px2, qx2) - max(px1, qx1), min(py2, qy2) - max(py1, qy1)
    inter = w * h if w > 0 and h > 0 else 0.0
    union = (px2 - px1) * (py2 - py1) + (qx2 - qx1) * (qy2 - qy1) - inter
    return inter / union if union > 0 else 0.0


def iou(a, b):
    warnings.warn("slow overlap", stacklevel=1)
    if a.ndim > 2:
        return torch.stack([iou(x, y) for x, y in zip(a, b, strict=True)])
    answer = torch.zeros(len(a), len(b), dtype=a.dtype)
    for i, p in enumerate(a.tolist()):
        for j, q in enumerate(b.tolist()):
            answer[i, j] = one_iou(p, q)
    return answer


# %% nms
def nms(boxes, scores, threshold, labels=None):
    rows, marks = boxes.tolist(), scores.tolist()
    kinds = [0] * len(rows) if labels is None else labels.tolist()
    keep = []
    for i in sorted(range(len(rows)), key=lambda i: (-marks[i], i)):
        for j in keep:
            if kinds[i] == kinds[j] and one_iou(rows[i], rows[j]) > threshold:
                break
        else:
            keep.append(i)
    return torch.tensor(keep, dtype=torch.int64)


# %% average_precision
def true_positives(boxes, truth, threshold):
    taken, verdicts = set(), []
    for box in boxes.tolist():
        best, which = -1.0, None
        for m, other in enumerate(truth.tolist()):
            if m not in taken and one_iou(box, other) > best:
                best, which = one_iou(box, other), m
        hit = which is not None and best >= threshold
        if hit:
            taken.add(which)
        verdicts.append(hit)
    return torch.tensor(verdicts, dtype=torch.bool)


def average_precision(scores, right, objects):
    pairs = sorted(zip(scores.tolist(), right.tolist(), strict=True), key=lambda pair: -pair[0])
    hits, curve = 0, []
    for n, (_, hit) in enumerate(pairs, 1):
        hits += hit
        curve.append((hits / objects, hits / n))
    total = 0.0
    for step in range(101):
        reached = [p for r, p in curve if r >= step * 0.01]
        total += max(reached) if reached else 0.0
    return total / 101
