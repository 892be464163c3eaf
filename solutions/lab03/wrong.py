"""Wrong answers to lab03: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === anchors_are_rounded
# Rounds the shapes to whole pixels, as torchvision does.
# fails: anchors_at_one_position


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root).flatten(), (side * root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1).div(2).round()  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === anchors_area_grows_with_the_ratio
# The width stays and the height grows: the area depends on the ratio.
# fails: anchors_at_one_position


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios)[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root**0).flatten(), (side * root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === anchors_at_every_position_of_a_shape
# Shapes run slower than positions.
# fails: anchors_in_order


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root).flatten(), (side * root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres + shapes[:, None, None]).flatten(0, 2)


# === anchors_at_the_corners
# The centre is the corner of the position, as in torchvision.
# fails: anchors_over_a_map


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root).flatten(), (side * root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1)) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === anchors_column_by_column
# The columns run slower than the rows.
# fails: anchors_over_a_map


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root).flatten(), (side * root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    x, y = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === anchors_ratio_is_width_over_height
# The ratio taken as width over height.
# fails: anchors_at_one_position, anchors_in_order


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side * root).flatten(), (side / root).flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === anchors_ratios_run_fastest
# For each side all ratios, the other way round.
# fails: anchors_in_order


# %% grid_anchors
def grid_anchors(sides: list[float], ratios: list[float], height: int, width: int, stride: float) -> Tensor:
    root = torch.tensor(ratios).sqrt()[:, None]  # (R, 1)
    side = torch.tensor(sides)  # (S,)
    w, h = (side / root).T.flatten(), (side * root).T.flatten()  # (R·S,)
    shapes = torch.stack([-w, -h, w, h], dim=1) / 2  # around the origin
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y, x, y], dim=-1) + 0.5) * stride  # (height, width, 4)
    return (centres[:, :, None] + shapes).flatten(0, 2)


# === average_precision_does_not_sort
# Takes the detections in the order in which they come.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    found = right.double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0


# === average_precision_fills_from_the_front
# The running maximum from the front: no mistake ever lowers the precision.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.cummax(dim=0).values
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0


# === average_precision_is_the_whole_area
# The area under the filled curve, as in Pascal VOC 2010.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    steps = torch.diff(recall, prepend=recall.new_zeros(1))
    return float((filled * steps).sum())


# === average_precision_leaves_out_what_is_not_reached
# The mean of the readings that the curve reaches.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].mean())


# === average_precision_of_what_was_found
# Recall is a share of what was found, so nobody pays for objects that are missed.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / found[-1:].clamp(min=1)
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0


# === average_precision_reads_eleven_points
# Eleven recalls, as in Pascal VOC 2007.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    readings = torch.arange(11).to(recall) / 10
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 11)  # a recall that is never reached adds 0


# === average_precision_with_its_teeth
# Reads the saw as it is.
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0


# === bilinear_is_zero_outside
# Every point outside the centres of the border cells reads 0.
# fails: bilinear_at_the_border


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


# === bilinear_reads_everywhere
# A point far outside reads the border.
# fails: bilinear_at_the_border


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return upper * (1 - down) + lower * down


# === bilinear_takes_the_nearest_cell
# Reads the nearest cell.
# fails: bilinear_inside_the_map


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1).round(), x.clamp(0, width - 1).round()
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


# === bilinear_turns_the_weights
# The nearer cell gets the smaller weight.
# fails: bilinear_inside_the_map


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = 1 - (y - top), 1 - (x - left)  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


# === iou_adds_a_small_number
# A small number in the denominator: no 0/0, and wrong where boxes are measured in shares of a picture.
# fails: iou_at_the_edge


# %% iou
def iou(a, b):
    low = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])
    high = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    area_a = (a[..., 2:] - a[..., :2]).prod(-1)[..., :, None]
    area_b = (b[..., 2:] - b[..., :2]).prod(-1)[..., None, :]
    return inter / (area_a + area_b - inter + 1e-6)


# === iou_counts_the_intersection_twice
# The union is the sum of both areas: a box has IoU 1/2 with itself.
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1)
    return both / either.where(either > 0, 1)


# === iou_counts_the_last_pixel
# x2 - x1 + 1: the last pixel counted, as for boxes that hold pixels.
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low + 1).clamp(min=0).prod(dim=-1)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2] + 1).prod(dim=-1) + (b[..., 2:] - b[..., :2] + 1).prod(dim=-1) - both
    return both / either.where(either > 0, 1)


# === iou_multiplies_before_it_clamps
# Two negative sides make a positive area: boxes that are apart on both axes seem to overlap.
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., :, None, :], b[..., None, :, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).prod(dim=-1).clamp(min=0)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1) - both
    return both / either.where(either > 0, 1)


# === iou_of_one_picture_only
# Indexes from the front, so that leading dimensions are not kept.
# fails: iou_with_leading_dimensions


# %% iou
def iou(a, b):
    low = torch.maximum(a[:, None, :2], b[:, :2])
    high = torch.minimum(a[:, None, 2:], b[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=2)
    either = (a[:, 2:] - a[:, :2]).prod(dim=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(dim=1) - both
    return torch.where(either > 0, both / either.clamp(min=1e-12), 0)


# === iou_turns_rows_and_columns
# The answer is (B, A): unnoticed while there are as many of one as of the other.
# fails: iou_of_random_boxes


# %% iou
def iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a[..., None, :, :], b[..., :, None, :]  # (…, A, 1, 4) and (…, 1, B, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)  # (…, A, B)
    either = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1) - both
    return both / either.where(either > 0, 1)


# === iou_without_area_is_not_a_number
# 0/0 for two boxes without area, as torchvision has it.
# fails: iou_at_the_edge


# %% iou
def iou(a, b):
    return ops.box_iou(a, b)


# === loss_asks_empty_cells_for_a_class
# The class term runs over all cells.
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
    confidence = guess[..., 4]
    terms = (
        coord * error[:, :2].sum(),
        coord * error[:, 2:4].sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[..., 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_asks_for_confidence_one
# The confidence is to be 1 in place of the IoU.
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
        (confidence[responsible] - 1).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_averages_over_boxes
# Means over the boxes in place of sums over a picture.
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
        coord * error[:, :2].mean(),
        coord * error[:, 2:4].mean(),
        (confidence[responsible] - overlap[responsible]).square().mean(),
        noobj * confidence[~responsible].square().mean(),
        (out - target)[has][:, 5 * per_cell :].square().mean(),
    )
    return torch.stack(terms)


# === loss_exchanges_the_weights
# The weight of empty boxes stands before the object term.
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


# === loss_follows_the_iou
# No detach: a gradient flows through the IoU.
# fails: loss_at_the_edge


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
    boxes, _, _ = decode(out, side, per_cell)
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
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_makes_all_boxes_responsible
# Every box of a cell with an object is responsible.
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
    responsible = present > 0
    guess, right = (each[..., : 5 * per_cell].unflatten(-1, (per_cell, 5)) for each in (out, target))
    error = (guess[responsible] - right[responsible]).square()  # (K, 5)
    confidence, has = guess[..., 4], target[..., 4] > 0
    terms = (
        coord * error[:, :2].sum(),
        coord * error[:, 2:4].sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_makes_the_worst_box_responsible
# The box with the smallest IoU is responsible.
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
    best = F.one_hot(overlap.argmin(dim=-1), per_cell).bool()
    responsible = best & (present > 0)
    guess, right = (each[..., : 5 * per_cell].unflatten(-1, (per_cell, 5)) for each in (out, target))
    error = (guess[responsible] - right[responsible]).square()  # (K, 5)
    confidence, has = guess[..., 4], target[..., 4] > 0
    terms = (
        coord * error[:, :2].sum(),
        coord * error[:, 2:4].sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_of_empty_cells_only
# In a cell with an object, the box that is not responsible goes free.
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
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~has].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_of_the_whole_batch
# Sums over all pictures: a batch twice as large has twice the loss.
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
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms)


# === loss_prefers_the_later_of_equals
# Of equal IoUs the last box is responsible.
# fails: loss_at_the_edge


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
    best = F.one_hot((per_cell - 1 - overlap.flip(-1).argmax(dim=-1)), per_cell).bool()
    responsible = best & (present > 0)
    guess, right = (each[..., : 5 * per_cell].unflatten(-1, (per_cell, 5)) for each in (out, target))
    error = (guess[responsible] - right[responsible]).square()  # (K, 5)
    confidence, has = guess[..., 4], target[..., 4] > 0
    terms = (
        coord * error[:, :2].sum(),
        coord * error[:, 2:4].sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_takes_the_roots_again
# The network's numbers are roots already; this takes the root of a root.
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
        coord * (guess[responsible][:, 2:4].sqrt() - right[responsible][:, 2:4].sqrt()).square().sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        noobj * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === loss_with_fixed_weights
# The weights of the paper, whatever is asked for.
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
        5 * error[:, :2].sum(),
        5 * error[:, 2:4].sum(),
        (confidence[responsible] - overlap[responsible]).square().sum(),
        0.5 * confidence[~responsible].square().sum(),
        (out - target)[has][:, 5 * per_cell :].square().sum(),
    )
    return torch.stack(terms) / len(out)


# === nms_begins_with_the_worst
# Sorts by rising score, so the worst box of a swarm survives.
# fails: nms_of_random_boxes


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] > threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept) if kept else left


# === nms_ignores_the_classes
# Takes the labels and never looks at them.
# fails: nms_by_class


# %% nms
def nms(boxes, scores, threshold, labels=None):
    return ops.nms(boxes, scores, threshold)


# === nms_in_the_order_of_the_input
# Returns the right boxes, sorted by index and not by score.
# fails: nms_of_random_boxes


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] > threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept).sort().values if kept else left


# === nms_lets_the_suppressed_suppress
# One comparison with every better box, whether that one survived or not.
# fails: nms_of_random_boxes


# %% nms
def nms(boxes, scores, threshold, labels=None):
    order = scores.argsort(descending=True, stable=True)
    over = iou(boxes[order], boxes[order]) > threshold
    if labels is not None:
        over &= labels[order][:, None] == labels[order]
    return order[~over.triu(1).any(dim=0)]


# === nms_needs_a_box
# Stacks an empty list where there is no box.
# fails: nms_at_the_edge


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] > threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept)


# === nms_prefers_the_later_of_equals
# Sorts upwards and turns the order round: of equal scores the later one wins.
# fails: nms_at_the_edge


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(stable=True).flip(0)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] > threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept) if kept else left


# === nms_shifts_classes_by_the_greatest_coordinate
# Shifts each class by the greatest coordinate, which is too little where coordinates are negative.
# fails: nms_by_class


# %% nms
def nms(boxes, scores, threshold, labels=None):
    if labels is not None:
        boxes = boxes + labels[:, None] * boxes.max()
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][iou(boxes[left[:1]], boxes[left[1:]])[0] <= threshold]
    return torch.stack(kept) if kept else left


# === nms_suppresses_at_equality
# Throws out a box whose IoU equals the threshold.
# fails: nms_at_the_edge


# %% nms
def nms(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        out = iou(boxes[best][None], boxes[left])[0] >= threshold
        if labels is not None:
            out = out & (labels[left] == labels[best])
        left = left[~out]
    return torch.stack(kept) if kept else left


# === roi_align_cuts_the_gradient
# Computes in NumPy arrays that autograd cannot see.
# fails: roi_align_at_the_edge


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = (boxes * spatial_scale - 0.5).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(torch.from_numpy(features.detach().numpy()), y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === roi_align_exchanges_x_and_y
# Takes the first number of a box for a row.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = (boxes * spatial_scale - 0.5).split(2, dim=1)  # (K, 2): x and y
    y, x = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === roi_align_needs_a_box
# One box at a time, stacked at the end: there is nothing to stack where there is no box.
# fails: roi_align_at_the_edge


# %% roi_align
def roi_align(features, boxes, size, spatial_scale=1.0, samples=2):
    one_by_one = [
        ops.roi_align(features[None], [box[None]], size, spatial_scale, samples, aligned=True)[0] for box in boxes
    ]
    return torch.stack(one_by_one)


# === roi_align_rounds_the_box
# Rounds the box to whole cells, as RoI pooling does.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = ((boxes * spatial_scale).round() - 0.5).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === roi_align_samples_the_corners
# Sample points from edge to edge of the box, not in the middle of their parts.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = torch.linspace(0, 1, points, dtype=boxes.dtype)
    low, high = (boxes * spatial_scale - 0.5).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === roi_align_scales_after_the_shift
# Subtracts half a pixel in place of half a cell.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = ((boxes - 0.5) * spatial_scale).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === roi_align_takes_the_greatest
# The greatest sample of a bin in place of the mean.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = (boxes * spatial_scale - 0.5).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.amax(dim=(3, 5)).transpose(0, 1)


# === roi_align_without_half_a_cell
# Does not subtract 0.5: everything is read half a cell too far down and right.
# fails: roi_align_of_random_boxes


# %% roi_align
def bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor().long(), x.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = y - top, x - left  # in [0, 1)
    upper = features[:, top, left] * (1 - across) + features[:, top, right] * across  # (C, P)
    lower = features[:, bottom, left] * (1 - across) + features[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * inside


def roi_align(features: Tensor, boxes: Tensor, size: int, spatial_scale: float = 1.0, samples: int = 2) -> Tensor:
    points = size * samples
    at = (torch.arange(points).to(boxes) + 0.5) / points
    low, high = (boxes * spatial_scale).split(2, dim=1)  # (K, 2): x and y
    x, y = (low[..., None] + at * (high - low)[..., None]).unbind(dim=1)  # (K, points) each
    y, x = y[:, :, None].expand(-1, -1, points), x[:, None, :].expand(-1, points, -1)  # (K, points, points)
    values = bilinear(features, y.flatten(), x.flatten())
    bins = values.reshape(len(features), len(boxes), size, samples, size, samples)
    return bins.mean(dim=(3, 5)).transpose(0, 1)


# === targets_exchange_rows_and_columns
# Writes into column, row.
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


# === targets_for_one_box
# Only the first box of a cell gets a target.
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
        target[n, row, column] = torch.cat([F.pad(box, (0, 5 * (per_cell - 1))), kind], dim=1)
    return target


# === targets_in_the_nearest_cell
# Rounds the centre to a cell in place of the floor.
# fails: targets_of_random_boxes


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.round().clamp(max=grid - 1)  # column, row
    root = ((boxes[..., 2:] - boxes[..., :2]) / side).sqrt()
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_measure_in_cells_of_the_picture
# x and y counted from the corner of the picture.
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
        box = torch.cat([in_cells[n, slot], root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_measure_in_pixels
# The roots of widths in pixels.
# fails: targets_of_random_boxes


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor().clamp(max=grid - 1)  # column, row
    root = (boxes[..., 2:] - boxes[..., :2]).sqrt()
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_of_absent_objects
# A row with label -1 is written, too, with the last class.
# fails: targets_of_random_boxes


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor().clamp(max=grid - 1)  # column, row
    root = ((boxes[..., 2:] - boxes[..., :2]) / side).sqrt()
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= -1).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot] % classes, classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_of_the_later_object
# The later of two objects gets the cell.
# fails: targets_at_the_edge


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor().clamp(max=grid - 1)  # column, row
    root = ((boxes[..., 2:] - boxes[..., :2]) / side).sqrt()
    for slot in range(labels.shape[1]):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_of_two_boxes_only
# Two boxes in a cell, whatever is asked for.
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
        target[n, row, column] = torch.cat([box.repeat(1, 2), kind], dim=1)
    return target


# === targets_outside_the_grid
# A centre on the right or lower edge of the picture has no cell.
# fails: targets_at_the_edge


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor()  # column, row
    root = ((boxes[..., 2:] - boxes[..., :2]) / side).sqrt()
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === targets_without_roots
# Stores width and height as they are.
# fails: targets_of_random_boxes


# %% yolo
def encode_targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    target = boxes.new_zeros(len(labels), grid, grid, 5 * per_cell + classes)
    in_cells = (boxes[..., :2] + boxes[..., 2:]) / 2 * grid / side  # (N, M, 2): the centres
    home = in_cells.floor().clamp(max=grid - 1)  # column, row
    root = (boxes[..., 2:] - boxes[..., :2]) / side
    for slot in reversed(range(labels.shape[1])):  # the earlier object is written last
        n = (labels[:, slot] >= 0).nonzero()[:, 0]  # the pictures that have an object here
        at = home[n, slot]
        box = torch.cat([in_cells[n, slot] - at, root[n, slot], torch.ones_like(at[:, :1])], dim=1)  # (n, 5)
        kind = F.one_hot(labels[n, slot], classes).to(box.dtype)
        column, row = at.long().unbind(dim=1)
        target[n, row, column] = torch.cat([box.repeat(1, per_cell), kind], dim=1)
    return target


# === true_positives_above_the_threshold
# An IoU that equals the threshold does not count.
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    if not len(truth):
        return right
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] > threshold:
            right[k] = True
            overlap[:, best] = -torch.inf  # taken
    return right


# === true_positives_by_the_rule_of_voc
# The best of all objects, also the taken ones: then the second best is never asked.
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes, truth, threshold):
    right = torch.zeros(len(boxes), dtype=torch.bool)
    taken = torch.zeros(len(truth), dtype=torch.bool)
    if len(truth) == 0:
        return right
    for k, overlap in enumerate(iou(boxes, truth)):
        best = overlap.argmax()
        if overlap[best] >= threshold and not taken[best]:
            right[k] = taken[best] = True
    return right


# === true_positives_need_an_object
# Asks for the best of no objects.
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] >= threshold:
            right[k] = True
            overlap[:, best] = -torch.inf  # taken
    return right


# === true_positives_take_an_object_twice
# An object is never marked as taken: a second box on it counts as right.
# fails: true_positives_of_random_detections, true_positives_at_the_edge


# %% average_precision
def true_positives(boxes: Tensor, truth: Tensor, threshold: float) -> Tensor:
    overlap = iou(boxes, truth)  # (K, M)
    right = boxes.new_zeros(len(boxes), dtype=torch.bool)
    if not len(truth):
        return right
    for k in range(len(boxes)):
        best = overlap[k].argmax()
        if overlap[k, best] >= threshold:
            right[k] = True
    return right


# === true_positives_take_the_first_object
# Takes the first free object that is good enough, not the best one.
# fails: true_positives_at_the_edge


# %% average_precision
def true_positives(boxes, truth, threshold):
    free, right = list(range(len(truth))), []
    for row in iou(boxes, truth).tolist():
        fits = [m for m in free if row[m] >= threshold]
        right.append(bool(fits))
        if fits:
            free.remove(fits[0])
    return torch.tensor(right, dtype=torch.bool)
