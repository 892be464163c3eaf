"""Converted without a clamp: what is above white becomes black."""
# fails: grey_levels_of_a_decoder


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().to(torch.uint8)
