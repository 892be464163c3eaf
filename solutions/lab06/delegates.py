"""Lab 06: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_courses_own_dct

# %% dct
dct_matrix, dct, idct = transforms.dct_matrix, transforms.dct, transforms.idct

# === the_dct_of_scipy

# %% dct
import scipy.fft


def dct_matrix(size):
    return torch.from_numpy(scipy.fft.dct(torch.eye(size, dtype=torch.float64).numpy(), axis=0, norm="ortho"))


def dct(residual):
    return torch.from_numpy(scipy.fft.dctn(residual.numpy(), axes=(-2, -1), norm="ortho"))


def idct(coefficients):
    return torch.from_numpy(scipy.fft.idctn(coefficients.numpy(), axes=(-2, -1), norm="ortho"))


# === a_fourier_transform_of_twice_the_length


# %% dct
def dct_matrix(size):
    spectrum = torch.fft.fft(torch.eye(size, dtype=torch.float64), n=2 * size)[:, :size]
    turn = torch.polar(torch.ones(size).double(), -math.pi * torch.arange(size).double() / (2 * size))
    matrix = (spectrum * turn).real.T * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix


def dct(residual):
    matrix = dct_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix.T


def idct(coefficients):
    matrix = dct_matrix(coefficients.shape[-1]).to(coefficients)
    return matrix.T @ coefficients @ matrix


# === the_matrix_of_scipy

# %% hadamard
from scipy.linalg import hadamard as of_scipy


def hadamard_matrix(size):
    return torch.from_numpy(of_scipy(size)).float()


def hadamard(residual):
    matrix = hadamard_matrix(residual.shape[-1]).to(residual)
    return matrix @ residual @ matrix


# === the_courses_own_hadamard


# %% hadamard
def hadamard_matrix(size):
    return transforms.hadamard_matrix(size).float()


def hadamard(residual):
    return transforms.hadamard(residual)


# === the_courses_own_quantiser

# %% quantise
step, dequantise = quantisation.step, quantisation.dequantise


def quantise(coefficients, qp, rounding=1 / 3):
    return quantisation.quantise(coefficients, qp, rounding=rounding)


# === the_courses_own_costs

# %% satd
from course_utils.codec.transforms import sad, sse


def residual_of(original, prediction):
    return original.float() - prediction.float()


def satd(residual, tile=None):
    return transforms.satd(residual, tile=tile)


# === the_courses_own_rate

# %% rate
rate_proxy, exp_golomb_bits = quantisation.rate_proxy, quantisation.exp_golomb_bits

# === the_cheapest_by_the_courses_parts

# %% cheapest
BITS_PER_UNIT = 3.0


def coding_cost(residual, qp):
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return transforms.sse(residual - decoded), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def cheapest(original, predictions, qp):
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)
    return (distortion + quantisation.lagrange_multiplier(qp) * bits).argmin(dim=-1)
