"""Suppression as a fixed point, RoIAlign as two matrix products, as lesson 12 has them."""


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
