"""The exponent counts 4i/d: the step of arange holds a 2 already."""
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) * 2 / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine
