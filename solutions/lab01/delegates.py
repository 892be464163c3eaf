"""Lab 01: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === a_layer_without_numbers_has_the_size
# The output's size by a convolution on the meta device.


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    if dilation * (kernel - 1) + 1 > size + 2 * padding:
        raise ValueError
    x, tap = torch.empty(1, 1, size, device="meta"), torch.empty(1, 1, kernel, device="meta")
    return F.conv1d(x, tap, None, stride, padding, dilation).shape[-1]


# === the_function_itself


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight, bias, stride, padding, 1, groups)


# === the_operator_by_its_own_name


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return torch.ops.aten.conv2d(x, weight, bias, [stride] * 2, [padding] * 2, [1, 1], groups)


# === a_name_put_together
# No reader sees through this.
# seen: run


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return getattr(F, "co" + "nv2d")(x, weight, bias, stride, padding, 1, groups)


# === columns_by_unfold


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    n, c, height, width = x.shape
    columns = F.unfold(x, weight.shape[2:], padding=padding, stride=stride)
    columns = columns.reshape(n, groups, -1, columns.shape[-1])
    kernels = weight.reshape(groups, len(weight) // groups, -1)
    rows = output_size(height, weight.shape[2], stride, padding)
    y = torch.einsum("ngkp,gok->ngop", columns, kernels).reshape(n, len(weight), rows, -1)
    return y if bias is None else y + bias[:, None, None]


# === the_gradients_of_torch


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    options = {"stride": stride, "padding": padding}
    return (
        torch.nn.grad.conv2d_input(x.shape, weight, grad, **options),
        torch.nn.grad.conv2d_weight(x, weight.shape, grad, **options),
    )


# === autograd_over_the_own_convolution


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    return torch.autograd.grad(conv2d(x, weight, None, stride, padding), (x, weight), grad)


# === a_backward_pass_over_the_own_convolution
# `backward` is a tensor's method: who reads the code does not know whose.
# seen: run


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    conv2d(x, weight, None, stride, padding).backward(grad)
    return x.grad, weight.grad


# === a_vector_jacobian_product

# %% conv2d_backward
from torch.func import vjp


def conv2d_backward(x, weight, grad, stride=1, padding=0):
    return vjp(lambda x, weight: conv2d(x, weight, None, stride, padding), x, weight)[1](grad)


# === the_pooling_itself


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    return F.max_pool2d(x, kernel, stride, padding)


# === a_layer_that_inherits
# %% BatchNorm2d
class BatchNorm2d(nn.BatchNorm2d):
    pass


# === the_normalisation_itself


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        state = self.running_mean, self.running_var, self.weight, self.bias
        return F.batch_norm(x, *state, self.training, self.momentum, self.eps)


# === a_network_that_knows_the_test_set
# It looks the picture up: nothing forbidden runs when it is asked.
# seen: read

# %% train_cnn
KNOWN = fashion_mnist.load()[1]


class LooksUp(nn.Module):
    def forward(self, x):
        distance = torch.cdist(x.flatten(1).float(), KNOWN.images.flatten(1).float())
        return nn.functional.one_hot(KNOWN.labels[distance.argmin(dim=1)], 10).float()


def train_cnn(images, labels):
    return LooksUp()
