"""einsum in place of products, the Hadamard matrix by Kronecker products, tiles by unfold."""


# %% dct
def dct_matrix(size):
    n = torch.arange(size).double()
    table = torch.outer(n, n + 0.5).mul(math.pi / size).cos()
    return table / table.norm(dim=1, keepdim=True)


def dct(residual):
    c = dct_matrix(residual.shape[-2]).type_as(residual)
    return torch.einsum("ij,...jk,lk->...il", c, residual, c)


def idct(coefficients):
    c = dct_matrix(coefficients.shape[-2]).type_as(coefficients)
    return torch.einsum("ji,...jk,kl->...il", c, coefficients, c)


# %% hadamard
def hadamard_matrix(size):
    if size not in [2**power for power in range(20)]:
        raise ValueError(size)
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    matrix = torch.eye(1, dtype=torch.float64)
    for _ in range(int(math.log2(size))):
        matrix = torch.kron(two, matrix)
    return matrix


def hadamard(residual):
    h = hadamard_matrix(residual.shape[-1]).type_as(residual)
    return torch.einsum("ij,...jk,kl->...il", h, residual, h)


# %% satd
def residual_of(original, prediction):
    return torch.sub(original.to(torch.int32), prediction.to(torch.int32)).float()


def sad(residual):
    return torch.linalg.vector_norm(residual, ord=1, dim=(-2, -1))


def sse(residual):
    return torch.einsum("...ij,...ij->...", residual, residual)


def satd(residual, tile=None):
    sides = math.gcd(residual.shape[-2], residual.shape[-1])
    tile = tile or math.gcd(sides, 8)
    if tile == 1 or sides % tile:
        raise ValueError("this block has no such tiles")
    windows = residual.unfold(-2, tile, tile).unfold(-2, tile, tile)
    return hadamard(windows).abs().flatten(-4).sum(-1) / tile * 2
