"""The rows are sorted by their changes of sign (Walsh's order)."""
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
