"""Wrong answers to lab06: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === bits_are_units
# The proxy itself, without the bits that a unit costs.
# fails: bits_of_coded_blocks, choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === bits_come_first
# Bits and distortion in the wrong order, and the choice uses them so.
# fails: distortion_of_decoded_blocks, bits_of_coded_blocks

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return BITS_PER_UNIT * rate_proxy(levels), sse(residual - decoded)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    bits, distortion = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === bits_of_the_coefficients
# The proxy of the coefficients, not of the levels.
# fails: bits_of_coded_blocks

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(dct(residual))


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === bits_of_unrounded_levels
# The proxy of c / Δ: zeros cost bits, too.
# fails: bits_of_coded_blocks

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(dct(residual) / step(qp))


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === choice_by_bits
# The distortion is not weighed.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    _, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    return bits.argmin(dim=-1)


# === choice_by_distortion
# The bits are not weighed.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, _ = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    return distortion.argmin(dim=-1)


# === choice_by_satd
# SATD in place of J: quick, and not what was asked.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    return satd(residual_of(original.unsqueeze(-3), predictions)).argmin(dim=-1)


# === choice_for_a_list_of_blocks
# original[:, None]: right for (N, n, n), wrong for one block or a grid of them.
# fails: choices_in_every_batch

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original[:, None], predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === choice_gives_the_cost
# The least J itself, not its index.
# fails: choices_of_least_cost, choices_in_every_batch

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).amin(dim=-1)


# === choice_of_the_dearest
# argmax.
# fails: choices_of_least_cost, choices_in_every_batch

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmax(dim=-1)


# === choice_over_the_first_dimension
# argmin over dimension 0: right for one block alone.
# fails: choices_in_every_batch, choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=0)


# === choice_pairs_blocks_with_predictions
# No dimension for M: block i meets prediction i where the numbers agree, else an error.
# fails: choices_in_every_batch

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original, predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === choice_with_a_lambda_of_sixths
# λ grows with the step, not with its square.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 6)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === choice_with_lambda_on_the_distortion
# J = λD + R.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (lagrange_multiplier * distortion + bits).argmin(dim=-1)


# === choice_without_lambda
# J = D + R: squared grey levels and bits are added as they are.
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    return (distortion + bits).argmin(dim=-1)


# === dct_along_the_columns_only
# The matrix is applied from the left only: a transform of columns.
# fails: blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_always_gives_float64
# A float32 residual comes out as float64.
# fails: dtypes_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix, residual = dct_matrix(residual.shape[-1]), residual.double()
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix, coefficients = dct_matrix(coefficients.shape[-1]), coefficients.double()
    return matrix.T @ coefficients @ matrix


# === dct_basis_in_columns
# The cosines stand in the columns: the transform goes back, the inverse forwards.
# fails: matrices_of_the_dct, blocks_through_the_dct, blocks_back_from_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix.T


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_in_float32
# The matrix is computed in float32: seven digits, however many the residual has.
# fails: matrices_of_the_dct, blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float32)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_of_8_only
# The matrix has the size 8, whatever the block.
# fails: blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(8).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_over_the_batch
# The size is read from the first dimension: right for one block alone.
# fails: blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[0]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_turns_the_block
# Rows and columns of the coefficients are exchanged: right for symmetric blocks.
# fails: blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual.mT @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_without_half_a_sample
# cos(πkj/n): the samples lie at whole numbers, not in the middle of their pixels.
# fails: matrices_of_the_dct, blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * place / size)
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dct_without_the_factor_of_row_0
# Row 0 has the factor of the others: the matrix is not orthonormal.
# fails: matrices_of_the_dct, blocks_through_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    return math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === dequantise_divides
# Back is taken for a second division.
# fails: coefficients_of_levels, distortion_of_decoded_blocks


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels / step(qp)


# === dequantise_puts_the_rounding_back
# A third of a step is taken off again: the coefficients are biased towards zero.
# fails: coefficients_of_levels


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return (levels - levels.sign() / 3) * step(qp)


# === distortion_in_levels
# The levels are compared with the coefficients, without the step.
# fails: distortion_of_decoded_blocks

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    return sse(dct(residual) - levels), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === distortion_is_the_residual
# The SSE of the residual before coding: it does not know the quantiser.
# fails: distortion_of_decoded_blocks, choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    return sse(residual), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === distortion_of_the_decoded_part
# The energy that was sent, not what was lost.
# fails: distortion_of_decoded_blocks

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)


# === golomb_is_not_rounded
# The logarithm is not rounded down.
# fails: bits_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1) + 1
    return lengths.sum(dim=(-2, -1))


# === golomb_rounds_the_sum
# The logarithms are added first, then rounded down.
# fails: bits_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    logs = torch.log2(2 * levels.abs() + 1).sum(dim=(-2, -1)).floor()
    return 2 * logs + levels.shape[-2] * levels.shape[-1]


# === golomb_to_the_nearest
# The logarithm is rounded to the nearest.
# fails: bits_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).round() + 1
    return lengths.sum(dim=(-2, -1))


# === golomb_without_the_sign
# The unsigned code: 2⌊log2(|level| + 1)⌋ + 1.
# fails: bits_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === golomb_zeros_are_free
# A zero is not counted, although its code has a bit.
# fails: bits_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    lengths = torch.where(levels == 0, 0.0, lengths)
    return lengths.sum(dim=(-2, -1))


# === hadamard_along_the_rows_only
# One side of the block is forgotten.
# fails: blocks_through_hadamard


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or size & (size - 1):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return residual @ matrix


# === hadamard_divides_by_its_size
# The transform is normalised, although the matrix is not.
# fails: blocks_through_hadamard, satd_of_one_tile


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or size & (size - 1):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix / len(matrix)


# === hadamard_in_the_order_of_frequency
# The rows are sorted by their changes of sign (Walsh's order).
# fails: matrices_of_hadamard, blocks_through_hadamard


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or size & (size - 1):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    changes = (matrix[:, 1:] != matrix[:, :-1]).sum(dim=1)
    return matrix[changes.argsort()]


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === hadamard_minus_in_the_wrong_corner
# The minus stands top left.
# fails: matrices_of_hadamard


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or size & (size - 1):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([-matrix, matrix], dim=1), torch.cat([matrix, matrix], dim=1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === hadamard_orthonormal
# The matrix is divided by the root of its size.
# fails: matrices_of_hadamard, blocks_through_hadamard, satd_of_one_tile


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or size & (size - 1):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix / size**0.5


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === hadamard_takes_even_sizes
# Only odd sizes are refused.
# fails: hadamard_of_other_sizes_is_refused


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    if size < 1 or (size > 1 and size % 2):  # a power of two has one bit, which size - 1 lacks
        raise ValueError(f"the size is a power of two, not {size}")
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === hadamard_takes_every_size
# A size between two powers of two gets the next larger matrix.
# fails: hadamard_of_other_sizes_is_refused


# %% hadamard
def hadamard_matrix(size: int) -> Tensor:
    """The Hadamard matrix (size, size) of ±1, floating point. Raises ValueError where size is no power of two."""
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """H·X·H of blocks (…, n, n), not normalised, in the dtype and on the device of the blocks."""
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === idct_inverts_one_side
# The inverse is applied from the left, the forward matrix from the right.
# fails: blocks_back_from_the_dct


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix.T


# === idct_is_the_dct_again
# Transforming twice is taken for going back.
# fails: blocks_back_from_the_dct, distortion_of_decoded_blocks


# %% dct
def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size) float64, a cosine in each row."""
    place = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * place[:, None] * (2 * place + 1) / (2 * size))
    matrix[0] = math.sqrt(1 / size)
    return matrix


def dct(residual: Tensor) -> Tensor:
    """Coefficients (…, n, n) of blocks (…, n, n)."""
    matrix = dct_matrix(residual.shape[-1]).to(residual)  # its dtype and its device
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Blocks (…, n, n) of coefficients (…, n, n): undoes `dct`."""
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix @ coefficients @ matrix.T


# === proxy_of_negative_levels
# The sign stays: not a number below -1.
# fails: proxies_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === proxy_of_whole_numbers_only
# The levels are rounded first.
# fails: proxies_of_fractions


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs().round()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === proxy_of_zero_is_infinite
# The one is forgotten: the logarithm of 0.
# fails: proxies_of_levels, proxies_of_fractions


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === proxy_takes_the_logarithm_of_the_sum
# The logarithm is taken once, of the whole block.
# fails: proxies_of_levels


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log2(1 + levels.abs().sum(dim=(-2, -1)))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === proxy_to_base_e
# The natural logarithm.
# fails: proxies_of_levels, bits_of_coded_blocks


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log1p(levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))


# === quantise_adds_before_the_division
# The rounding is added in units of the coefficient, not of the step.
# fails: levels_of_random_coefficients, levels_with_another_rounding


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * ((coefficients.abs() + rounding) / step(qp)).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_cuts_the_zone_and_keeps_rounding
# Below two thirds of a step 0, the rest to the nearest level.
# fails: levels_of_random_coefficients


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    scaled = coefficients / step(qp)
    return torch.where(scaled.abs() < 1 - rounding, 0.0, scaled).round()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_gives_integers
# The levels are int64: they do not keep the dtype of the coefficients.
# fails: levels_of_random_coefficients


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    levels = coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()
    return levels.long()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_has_no_dead_zone
# The nearest level, whatever `rounding` says.
# fails: levels_of_random_coefficients


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return (coefficients / step(qp)).round()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_ignores_the_rounding
# A third is added, whatever the caller says.
# fails: levels_with_another_rounding


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + 1 / 3).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_loses_the_sign
# All levels are positive.
# fails: levels_of_random_coefficients


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_rounds_halves_to_even
# With rounding 1/2 `round` is used, which takes halves to the even level.
# fails: levels_with_another_rounding


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    if rounding == 0.5:
        return (coefficients / step(qp)).round()
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === quantise_rounds_negatives_away_from_zero
# The floor of the signed coefficient: -0.1 becomes -1.
# fails: levels_of_random_coefficients


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return (coefficients / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === residual_in_eight_bits
# int8 holds -128 to 127: larger residuals wrap round.
# fails: residuals_have_a_sign


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return (original.int() - prediction.int()).to(torch.int8).float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === residual_is_absolute
# The sign is thrown away at the start.
# fails: residuals_have_a_sign


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return (original.float() - prediction.float()).abs()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === residual_turned_round
# Prediction minus original: no cost sees it, the decoder does.
# fails: residuals_have_a_sign


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return prediction.float() - original.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === residual_wraps_round
# uint8 minus uint8 is uint8: 3 - 5 is 254.
# fails: residuals_have_a_sign, choices_of_least_cost


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return (original - prediction).float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === sad_is_a_mean
# The mean absolute difference: small blocks look as dear as large ones.
# fails: sums_over_each_block


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().mean(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === sad_of_the_whole_batch
# One number for all blocks together.
# fails: sums_over_each_block


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum()


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === sad_without_the_absolute_value
# Positive and negative differences cancel.
# fails: sums_over_each_block


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.sum(dim=(-2, -1)).abs()


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_adds_before_the_absolute_value
# The coefficients are summed with their signs.
# fails: satd_of_one_tile, satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).sum(dim=(-4, -3, -2, -1)).abs() / (tile / 2)


# === satd_always_divides_by_4
# The divisor of 8×8 for every tile.
# fails: satd_of_one_tile, satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / 4


# === satd_crops
# What is left over at the right and the bottom does not count.
# fails: satd_refuses_what_does_not_fit


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    size = tile or next((each for each in (8, 4, 2) if min(height, width) >= each), 1)
    height, width = height // size * size, width // size * size
    residual = residual[..., :height, :width]
    if size == 1:
        return residual.abs().sum(dim=(-2, -1))
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_gives_the_tiles
# One number a tile, not one a block.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-2, -1)) / (tile / 2)


# === satd_goes_down_to_single_pixels
# Where no tile fits, each pixel is a tile.
# fails: satd_refuses_what_does_not_fit


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2, 1) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_ignores_the_tile
# The caller's tile is not used.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_in_tiles_of_4_only
# Tiles of 4 unless told otherwise, as in x265's own satd.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = 4 if 4 in fitting else 2
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_is_not_divided
# The plain sum of the coefficients.
# fails: satd_of_one_tile


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1))


# === satd_looks_at_one_side
# The tile is chosen by the width alone.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = next(each for each in (8, 4, 2) if width % each == 0)
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_orthonormal
# Divided by the tile, as the orthonormal transform is: half of HM's SATD.
# fails: satd_of_one_tile


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / tile


# === satd_overlaps
# The tiles start at every second pixel.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unfold(-2, tile, 2).unfold(-2, tile, 2)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === satd_reshapes_across_rows
# reshape alone: a tile is a run of pixels, not a square.
# fails: satd_of_several_tiles


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.reshape(*residual.shape[:-2], height // tile, width // tile, tile, tile)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === sse_is_a_mean
# The mean squared error, not the sum.
# fails: sums_over_each_block, distortion_of_decoded_blocks


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().mean(dim=(-2, -1))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === sse_takes_the_root
# The length of the residual, not its square.
# fails: sums_over_each_block


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(-2, -1)).sqrt()


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === step_by_whole_sixths
# The exponent is rounded down: six QPs share a step.
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


# === step_doubles_at_every_qp
# 2^(QP-4): the sixth is forgotten.
# fails: steps_of_every_qp


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2.0 ** (qp - 4)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === step_ends_at_50
# The last QP is refused.
# fails: steps_of_every_qp


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp < 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === step_takes_every_qp
# QPs outside 0 to 51 have steps, too.
# fails: steps_of_every_qp


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === step_without_the_four
# QP 0 has the step 1.
# fails: steps_of_every_qp


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** (qp / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    return levels * step(qp)


# === sums_over_the_first_dimensions
# The block is taken for dimensions 1 and 2: right for (N, H, W) only.
# fails: sums_over_each_block


# %% satd
def residual_of(original: Tensor, prediction: Tensor) -> Tensor:
    """What the prediction lacks, float32, of integer pictures (uint8 or wider) whose shapes broadcast."""
    return original.float() - prediction.float()


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (…, H, W): (…)."""
    return residual.abs().sum(dim=(1, 2))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of blocks (…, H, W): (…)."""
    return residual.square().sum(dim=(1, 2))


def satd(residual: Tensor, tile: int | None = None) -> Tensor:
    """SATD of blocks (…, H, W): (…), in tiles of 8, 4 or 2. Raises ValueError where the tile does not fit."""
    height, width = residual.shape[-2:]
    fitting = [each for each in (8, 4, 2) if height % each == 0 and width % each == 0]
    if tile is None and fitting:
        tile = fitting[0]
    if tile not in fitting:
        raise ValueError(f"a block of {height}×{width} has no such tiles")
    tiles = residual.unflatten(-1, (width // tile, tile)).unflatten(-3, (height // tile, tile))
    tiles = tiles.transpose(-3, -2)  # (…, H/t, t, W/t, t) to (…, H/t, W/t, t, t)
    return hadamard(tiles).abs().sum(dim=(-4, -3, -2, -1)) / (tile / 2)


# === quantiser_overwrites_what_it_was_given
# Right numbers, in the caller's own coefficients.
# fails: levels_of_random_coefficients, coefficients_of_levels


# %% quantise
def step(qp: int) -> float:
    """The step Δ at a QP from 0 to 51. Raises ValueError outside."""
    if not 0 <= qp <= 51:
        raise ValueError(f"QP is 0 to 51, not {qp}")
    return 2 ** ((qp - 4) / 6)


def quantise(coefficients: Tensor, qp: int, rounding: float = 1 / 3) -> Tensor:
    """Levels of coefficients of any shape; `rounding` is what is added before rounding down, in steps."""
    sign = coefficients.sign()
    return coefficients.abs_().div_(step(qp)).add_(rounding).floor_().mul_(sign)


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """The coefficients that the decoder knows."""
    levels *= step(qp)
    return levels
