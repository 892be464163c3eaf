"""Lab 01: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_function_itself


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    return F.conv2d(x, weight.flatten(0, 1)[:, None], None, stride, 0, dilation, len(weight))


# === the_operator_by_its_own_name


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    kernels = weight.flatten(0, 1)[:, None]
    return torch.ops.aten.conv2d(x, kernels, None, [stride] * 2, [0, 0], list(dilation), len(weight))


# === a_name_put_together
# No reader sees through this.
# seen: run


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    return getattr(F, "co" + "nv2d")(x, weight.flatten(0, 1)[:, None], None, stride, 0, dilation, len(weight))


# === columns_by_unfold


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    columns = F.unfold(x, weight.shape[2:], dilation=dilation, stride=stride)
    columns = columns.reshape(len(x), len(weight), -1, columns.shape[-1])
    y = torch.einsum("nckp,cmk->ncmp", columns, weight.flatten(2)).flatten(1, 2)
    rows = (x.shape[2] - dilation[0] * (weight.shape[2] - 1) - 1) // stride + 1
    return y.unflatten(2, (rows, -1))


# === a_layer_without_numbers_has_the_size
# The number of positions by a convolution on the meta device.


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    positions = -(-size // stride)
    zeros = max(0, dilation * (kernel - 1) + 1 - size)
    tap = torch.empty(1, 1, kernel, device="meta")
    while F.conv1d(torch.empty(1, 1, size + zeros, device="meta"), tap, None, stride, 0, dilation).shape[2] < positions:
        zeros += 1
    return zeros // 2, zeros - zeros // 2


# === the_gradients_of_torch


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    kernels = weight.flatten(0, 1)[:, None]
    options = {"stride": stride, "dilation": dilation, "groups": len(weight)}
    grad_x = torch.nn.grad.conv2d_input(x.shape, kernels, grad, **options)
    return grad_x, torch.nn.grad.conv2d_weight(x, kernels.shape, grad, **options).view(weight.shape)


# === autograd_over_the_own_convolution


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    return torch.autograd.grad(depthwise(x, weight, stride, dilation), (x, weight), grad)


# === a_backward_pass_over_the_own_convolution
# `backward` is a tensor's method: who reads the code does not know whose.
# seen: run


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    depthwise(x, weight, stride, dilation).backward(grad)
    return x.grad, weight.grad


# === a_vector_jacobian_product

# %% depthwise_backward
from torch.func import vjp


def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    return vjp(lambda x, weight: depthwise(x, weight, stride, dilation), x, weight)[1](grad)


# === autograd_over_average_pooling


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    x = grad.new_zeros(*grad.shape[:2], *shape).requires_grad_()
    return torch.autograd.grad(F.avg_pool2d(x, kernel, stride), x, grad)[0]


# === windows_folded_back


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    share = (grad / kernel**2).flatten(2).repeat_interleave(kernel**2, dim=1)
    return F.fold(share, shape, kernel, stride=stride)


# === a_transposed_convolution


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    taps = grad.new_full((grad.shape[1], 1, kernel, kernel), 1 / kernel**2)
    spread = F.conv_transpose2d(grad, taps, stride=stride, groups=grad.shape[1])
    return F.pad(spread, (0, shape[1] - spread.shape[3], 0, shape[0] - spread.shape[2]))


# === the_norm_asked_for_its_own_numbers
# Factor and shift are what the norm makes of one and of zero.


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs, inputs = weight.shape[:2]
    zero = torch.zeros(1, len(mean), dtype=mean.dtype)
    shift = F.batch_norm(zero, mean, variance, gamma, beta, eps=eps)[0]
    factor = F.batch_norm(zero + 1, mean, variance, gamma, beta, eps=eps)[0] - shift
    factor, shift = (v.view(groups, inputs).repeat_interleave(outputs // groups, 0) for v in (factor, shift))
    added = (weight * shift[..., None, None]).sum((1, 2, 3))
    return weight * factor[..., None, None], added if bias is None else bias + added


# === a_network_that_knows_the_test_set
# It looks the garment up: nothing forbidden runs when it is asked.
# seen: read

# %% train_cnn
KNOWN = fashion_mnist.load()[1]


class LooksUp(nn.Module):
    def forward(self, x):
        rows = x.flatten(2).sum(dim=2)
        distance = (rows - F.avg_pool2d(KNOWN.images, 2).flatten(1).sum(dim=1)).abs()
        return nn.functional.one_hot(KNOWN.labels[distance.argmin(dim=1)], 10).float()


def train_cnn(images, labels):
    return LooksUp()
