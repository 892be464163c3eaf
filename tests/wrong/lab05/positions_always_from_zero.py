"""The start is used for the number of rows only."""
# fails: positions_from_anywhere


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(0, stop - start)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine
