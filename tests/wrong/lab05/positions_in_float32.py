"""The angles are computed in float32: far away they are wrong."""
# fails: positions_far_away


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop, dtype=torch.float32)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine
