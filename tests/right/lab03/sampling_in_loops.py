"""RoIAlign point by point in four loops, with its own clamp, and another name for everything."""


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
