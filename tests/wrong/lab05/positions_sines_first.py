"""All sines, then all cosines, not in turn."""
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.cat([angle.sin(), angle.cos()], dim=-1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine
