"""The width stays and the height grows: the area depends on the ratio."""
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
