"""Row 0 has the factor of the others: the matrix is not orthonormal."""
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
