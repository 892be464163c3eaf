"""The matrix has the size 8, whatever the block."""
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
