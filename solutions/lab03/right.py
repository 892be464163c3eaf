"""Right answers to lab03 of another kind than the solution: each must get all points in the cells that it replaces."""


# === cells_in_loops
# YOLO cell by cell and object by object, with a list of terms and an IoU of its own.


# %% yolo
def to_box(v, row, col, side, grid):
    cx, cy, w, h = (col + v[0]) * side / grid, (row + v[1]) * side / grid, v[2] ** 2 * side, v[3] ** 2 * side
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])


def decode(tensor, side, per_cell):
    grid = tensor.shape[1]
    boxes = torch.empty(*tensor.shape[:3], per_cell, 4, dtype=tensor.dtype)
    for row in range(grid):
        for col in range(grid):
            for k in range(per_cell):
                for n in range(len(tensor)):
                    boxes[n, row, col, k] = to_box(tensor[n, row, col, 5 * k :], row, col, side, grid)
    return boxes, tensor[..., 4 : 5 * per_cell : 5], tensor[..., 5 * per_cell :]


def encode_targets(boxes, labels, grid, side, classes, per_cell=2):
    y = torch.zeros(boxes.shape[0], grid, grid, per_cell * 5 + classes)
    for n in range(boxes.shape[0]):
        for m in range(boxes.shape[1]):
            if labels[n, m] == -1:
                continue
            x1, y1, x2, y2 = boxes[n, m].tolist()
            gx, gy = grid * (x1 + x2) / (2 * side), grid * (y1 + y2) / (2 * side)
            col, row = min(int(gx), grid - 1), min(int(gy), grid - 1)
            cell = y[n, row, col]
            if cell[4] == 1:
                continue  # taken by an earlier object
            for k in range(per_cell):
                numbers = [gx - col, gy - row, ((x2 - x1) / side) ** 0.5, ((y2 - y1) / side) ** 0.5, 1.0]
                cell[5 * k : 5 * k + 5] = torch.tensor(numbers)
            cell[5 * per_cell + labels[n, m]] = 1
    return y


def yolo_terms(out, target, side, per_cell=2, coord=5.0, noobj=0.5):
    place = size = obj = empty = kind = out.sum() * 0
    grid = out.shape[1]
    for n in range(len(out)):
        for row in range(grid):
            for col in range(grid):
                p, t = out[n, row, col], target[n, row, col]
                chosen = -1
                if t[4] == 1:
                    with torch.no_grad():
                        mine = torch.stack([to_box(p[5 * k :], row, col, side, grid) for k in range(per_cell)])
                        ious = iou(mine, to_box(t, row, col, side, grid)[None])[:, 0]
                    chosen = max(range(per_cell), key=lambda k: ious[k].item())
                    q = p[5 * chosen : 5 * chosen + 5]
                    place = place + coord * ((q[0] - t[0]) ** 2 + (q[1] - t[1]) ** 2)
                    size = size + coord * ((q[2] - t[2]) ** 2 + (q[3] - t[3]) ** 2)
                    obj = obj + (q[4] - ious[chosen]) ** 2
                    kind = kind + F.mse_loss(p[5 * per_cell :], t[5 * per_cell :], reduction="sum")
                for k in range(per_cell):
                    if k != chosen:
                        empty = empty + noobj * p[5 * k + 4] ** 2
    return torch.stack([place, size, obj, empty, kind]) / len(out)


# === fixed_point_and_batched_products
# Suppression as a fixed point, RoIAlign as two matrix products, as lesson 12 has them.


# %% nms
def nms(boxes, scores, threshold, labels=None):
    order = torch.sort(scores, descending=True, stable=True).indices
    over = iou(boxes[order], boxes[order]) > threshold
    if labels is not None:
        over &= labels[order, None] == labels[None, order]
    over = over.triu(diagonal=1)
    keep = torch.ones(len(order), dtype=torch.bool)
    while True:
        after = ~(over & keep[:, None]).any(dim=0)
        if torch.equal(after, keep):
            return order[keep]
        keep = after


# %% roi_align
def hat(at, length):
    cell = torch.arange(length, dtype=at.dtype, device=at.device)
    weight = (1 - (at.clamp(0, length - 1)[..., None] - cell).abs()).clamp(min=0)
    return weight * ((at >= -1) & (at <= length))[..., None]


def bilinear(features, y, x):
    rows, columns = hat(y, features.shape[1]), hat(x, features.shape[2])
    return ((rows @ features) * columns).sum(dim=-1)


def roi_align(features, boxes, size, spatial_scale=1.0, samples=2):
    x1, y1, x2, y2 = (boxes * spatial_scale - 0.5).unbind(dim=1)
    n = torch.arange(size * samples).to(boxes)

    def weights(low, high, length):
        at = low[:, None] + (n + 0.5) * ((high - low) / (size * samples))[:, None]
        return hat(at, length).unflatten(1, (size, samples)).mean(dim=2)

    rows, columns = weights(y1, y2, features.shape[1]), weights(x1, x2, features.shape[2])
    return torch.einsum("kph,chw,kqw->kcpq", rows, features, columns)


# === float32_and_in_place
# Computes in float32 whatever comes, changes its own arguments, and clamps a tiny union.


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


# === masks_and_where
# No boolean indexing in the loss: masks multiplied in; targets by one scatter, earlier objects last.


# %% grid_anchors
def grid_anchors(sides, ratios, height, width, stride):
    h, w = [], []
    for r in ratios:
        for s in sides:
            h.append(s * r**0.5)
            w.append(s / r**0.5)
    half = torch.tensor([w, h]).T / 2
    centre = torch.cartesian_prod(torch.arange(height), torch.arange(width)).reshape(-1, 2).flip(1)
    centre = (centre * stride + stride / 2)[:, None]
    return torch.cat([centre - half, centre + half], dim=2).reshape(-1, 4)


# %% yolo
def decode(tensor, side, per_cell):
    grid = tensor.shape[1]
    each = tensor[..., : 5 * per_cell].reshape(*tensor.shape[:3], per_cell, 5)
    x, y, w, h, confidence = each.unbind(dim=-1)
    at = torch.arange(grid, device=tensor.device)
    x, y = (x + at[:, None]) * (side / grid), (y + at[:, None, None]) * (side / grid)
    w, h = w**2 * side, h**2 * side
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1), confidence, tensor[..., 5 * per_cell :]


def encode_targets(boxes, labels, grid, side, classes, per_cell=2):
    flat = torch.zeros(len(boxes), grid * grid, 5 * per_cell + classes, dtype=boxes.dtype)
    size = boxes[..., 2:] - boxes[..., :2]
    centre = (boxes[..., :2] + size / 2) * (grid / side)
    cell = centre.long().clamp(max=grid - 1)
    for m in range(labels.shape[1] - 1, -1, -1):
        for n in torch.where(labels[:, m] != -1)[0].tolist():
            place = cell[n, m, 1] * grid + cell[n, m, 0]
            five = torch.cat([centre[n, m] - cell[n, m], (size[n, m] / side) ** 0.5, torch.ones(1, dtype=boxes.dtype)])
            flat[n, place] = 0
            flat[n, place, : 5 * per_cell] = five.tile(per_cell)
            flat[n, place, 5 * per_cell + labels[n, m]] = 1
    return flat.reshape(len(boxes), grid, grid, -1)


def yolo_terms(out, target, side, per_cell=2, coord=5.0, noobj=0.5):
    n, grid = out.shape[:2]
    with torch.no_grad():
        mine, truth = decode(out, side, per_cell)[0], decode(target, side, per_cell)[0]
        pairs = iou(mine.reshape(-1, 1, 4), truth.reshape(-1, 1, 4)).reshape(n, grid, grid, per_cell)
    has = target[..., 4:5]
    chosen = (torch.arange(per_cell) == pairs.max(dim=-1, keepdim=True).indices) * has
    p = out[..., : 5 * per_cell].reshape(n, grid, grid, per_cell, 5)
    t = target[..., : 5 * per_cell].reshape(n, grid, grid, per_cell, 5)
    squares = chosen[..., None] * (p - t) ** 2
    return torch.stack(
        [
            coord * squares[..., 0:2].sum(),
            coord * squares[..., 2:4].sum(),
            (chosen * (p[..., 4] - pairs) ** 2).sum(),
            noobj * ((1 - chosen) * p[..., 4] ** 2).sum(),
            (has * (out - target)[..., 5 * per_cell :] ** 2).sum(),
        ]
    ).div(n)


# === python_loops_and_a_warning
# Python numbers and loops everywhere, no broadcasting, and a warning on every call.

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


# === sampling_in_loops
# RoIAlign point by point in four loops, with its own clamp, and another name for everything.


# %% roi_align
def read(fmap, py, px):
    h, w = fmap.shape[-2:]
    if not (-1 <= py <= h and -1 <= px <= w):
        return torch.zeros(fmap.shape[0], dtype=fmap.dtype)
    py, px = min(max(py, 0.0), h - 1.0), min(max(px, 0.0), w - 1.0)
    y0, x0 = min(int(py), max(h - 2, 0)), min(int(px), max(w - 2, 0))
    dy, dx = py - y0, px - x0
    y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
    return (
        (1 - dy) * (1 - dx) * fmap[:, y0, x0]
        + (1 - dy) * dx * fmap[:, y0, x1]
        + dy * (1 - dx) * fmap[:, y1, x0]
        + dy * dx * fmap[:, y1, x1]
    )


def bilinear(features, y, x):
    return torch.stack([read(features, *point) for point in zip(y.tolist(), x.tolist(), strict=True)], dim=1)


def roi_align(features, boxes, size, spatial_scale=1.0, samples=2):
    pooled = []
    for x1, y1, x2, y2 in (boxes * spatial_scale - 0.5).tolist():
        step_y, step_x = (y2 - y1) / size, (x2 - x1) / size
        cells = []
        for i in range(size):
            for j in range(size):
                total = 0
                for k in range(samples):
                    for m in range(samples):
                        py, px = y1 + step_y * (i + (k + 0.5) / samples), x1 + step_x * (j + (m + 0.5) / samples)
                        total = total + read(features, py, px)
                cells.append(total / samples**2)
        pooled.append(torch.stack(cells, dim=1).reshape(-1, size, size))
    return torch.stack(pooled) if pooled else features.new_zeros(0, len(features), size, size)


# %% grid_anchors
def grid_anchors(sides, ratios, height, width, stride):
    rows = []
    for i in range(height):
        for j in range(width):
            cx, cy = stride * j + stride / 2, stride * i + stride / 2
            for r in ratios:
                for s in sides:
                    h = (s * s * r) ** 0.5
                    w = s * s / h
                    rows.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return torch.tensor(rows)
