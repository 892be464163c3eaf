"""The fast Hadamard transform: sums and differences of halves, the matrix by shared bits."""


# %% hadamard
def hadamard_matrix(size):
    if size <= 0 or bin(size).count("1") != 1:
        raise ValueError(f"{size} is no power of two")
    signs = [[(-1.0) ** bin(row & column).count("1") for column in range(size)] for row in range(size)]
    return torch.tensor(signs)


def butterfly(x):
    """Along the last dimension: the transform of the sums, then that of the differences."""
    half = x.shape[-1] // 2
    if half == 0:
        return x
    first, second = x[..., :half], x[..., half:]
    return torch.cat([butterfly(first + second), butterfly(first - second)], dim=-1)


def hadamard(residual):
    return butterfly(butterfly(residual).mT).mT
