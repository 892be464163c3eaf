"""Writes into column, row."""
# fails: targets_of_random_boxes


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor().clamp(max=grid - 1)  # column, row
    root = ((boxes[..., 2:] - boxes[..., :2]) / side).sqrt()
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, column, row] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target
