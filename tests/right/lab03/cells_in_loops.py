"""YOLO cell by cell and object by object, with a list of terms and an IoU of its own."""


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
