"""The exponent is rounded down: six QPs share a step."""
# fails: steps_of_every_qp


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) // 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)
