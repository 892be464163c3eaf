"""No boolean indexing in the loss: masks multiplied in; targets by one scatter, earlier objects last."""


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
