"""The weight of empty boxes stands before the object term."""
# fails: loss_of_random_outputs


# %% yolo
def decode(tensor: Tensor, side: float, per_cell: int) -> tuple[Tensor, Tensor, Tensor]:
    grid = tensor.shape[1]
    per_box = tensor[..., : 5 * per_cell].unflatten(-1, (per_cell, 5))  # (N, S, S, B, 5)
    row, column = torch.meshgrid(*[torch.arange(grid, device=tensor.device)] * 2, indexing="ij")
    corner = torch.stack([column, row], dim=-1)[:, :, None]  # (S, S, 1, 2)
    centre = (corner + per_box[..., :2]) * side / grid
    size = per_box[..., 2:4].square() * side
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=-1)
    return boxes, per_box[..., 4], tensor[..., 5 * per_cell :]


def yolo_terms(
    out: Tensor, target: Tensor, side: float, per_cell: int = 2, coord: float = 5.0, noobj: float = 0.5
) -> Tensor:
    boxes, _, _ = decode(out.detach(), side, per_cell)
    truth, present, _ = decode(target, side, per_cell)
    overlap = iou(boxes, truth[..., :1, :])[..., 0]  # (N, S, S, B)
    best = F.one_hot(overlap.argmax(dim=-1), per_cell).bool()
    responsible = best & (present > 0)
    guess, right = (each[..., : 5 * per_cell].unflatten(-1, (per_cell, 5)) for each in (out, target))
    error = (guess[responsible] - right[responsible]).square()  # (K, 5)
    confidence, has = guess[..., 4], target[..., 4] > 0
    terms = (
        coord * error[:, :2].sum(),
        coord * error[:, 2:4].sum(),
        noobj * (confidence[responsible] - overlap[responsible]).square().sum(),
        confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)
