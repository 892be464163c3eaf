"""Right answers to lab01 of another kind than the solution: each must get all points in the cells that it replaces."""


# === a_network_class_and_adam
# A module with its own forward, normalised by constants, trained by AdamW in a loop written out.


# %% train_cnn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 24, 5, stride=2, padding=2)
        self.second = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.head = nn.Linear(48 * 49, 10)

    def forward(self, x):
        x = (x - 0.2861) / 0.3538
        x = F.relu(self.second(F.relu(self.first(x))))
        return self.head(F.dropout(x.flatten(1), 0.2, self.training))


def train_cnn(images, labels):
    net = Net().to(images.device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(8):
        net.train()
        for rows in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(net(images[rows]), labels[rows]).backward()
            optimizer.step()
    net.eval()
    return net


# === batch_norm_by_hand_with_a_warning
# Another formula for the variance, more buffers, and a warning on every call.

# %% BatchNorm2d
import warnings


class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("calls", torch.tensor(0))
        self.settings = {"eps": eps, "momentum": momentum}

    def forward(self, x):
        warnings.warn("slow batch normalisation", stacklevel=1)
        if self.training:
            self.calls += 1
            flat = x.transpose(0, 1).flatten(1)
            mu = flat.mean(1)
            var = ((flat - mu[:, None]) ** 2).mean(1)
            m, n = self.settings["momentum"], flat.shape[1]
            self.running_mean.copy_((1 - m) * self.running_mean + m * mu.detach())
            self.running_var.copy_((1 - m) * self.running_var + m * var.detach() * n / (n - 1))
        else:
            mu, var = self.running_mean, self.running_var
        normal = (x - mu.view(1, -1, 1, 1)) * (var.view(1, -1, 1, 1) + self.settings["eps"]) ** -0.5
        return normal * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


# === gradient_as_convolutions
# Both gradients as convolutions: a full one with the flipped kernel, and one of the picture with the gradient.


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    n, o, rows, cols = grad.shape
    kh, kw = weight.shape[2:]
    spread = grad.new_zeros(n, o, x.shape[2] + 2 * padding - kh + 1, x.shape[3] + 2 * padding - kw + 1)
    spread[:, :, : stride * rows : stride, : stride * cols : stride] = grad
    full = F.pad(spread, (kw - 1, kw - 1, kh - 1, kh - 1))
    grad_x = conv2d(full, weight.flip(2, 3).transpose(0, 1))
    padded = F.pad(x, (padding,) * 4)
    grad_weight = conv2d(padded.transpose(0, 1), spread.transpose(0, 1)).transpose(0, 1)
    return [grad_x[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], grad_weight]


# === loops_over_output_pixels
# Loops over every output pixel: slow, and right.


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    n, c, h, w = x.shape
    o, per_group, kh, kw = weight.shape
    padded = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=x.dtype)
    padded[:, :, padding : padding + h, padding : padding + w] = x
    rows, cols = output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    y = torch.empty(n, o, rows, cols, dtype=x.dtype)
    for out in range(o):
        first = out // (o // groups) * per_group
        for r in range(rows):
            for col in range(cols):
                patch = padded[
                    :, first : first + per_group, r * stride : r * stride + kh, col * stride : col * stride + kw
                ]
                y[:, out, r, col] = (patch * weight[out]).sum(dim=(1, 2, 3))
                if bias is not None:
                    y[:, out, r, col] += bias[out]
    return y


# === pooling_in_place
# Takes the maximum of shifted copies in place, and changes its own argument on the way.


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    if stride is None:
        stride = kernel
    x = F.pad(x, (padding, padding, padding, padding), value=float("-inf"))
    rows = (x.shape[2] - kernel) // stride + 1
    cols = (x.shape[3] - kernel) // stride + 1
    best = x[:, :, : stride * rows : stride, : stride * cols : stride].clone()
    for i in range(kernel):
        for j in range(kernel):
            seen = x[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (cols - 1) + 1 : stride]
            torch.maximum(best, seen, out=best)
    x.zero_()
    return best


# === unfold_and_einsum
# Windows by Tensor.unfold, then one einsum; extra helper names stand in the same cell.


# %% output_size
def _reach(kernel, dilation):
    return dilation * kernel - dilation + 1


def output_size(size, kernel, stride=1, padding=0, dilation=1):
    positions = size + 2 * padding - _reach(kernel, dilation) + 1
    if positions <= 0:
        raise ValueError("nothing to slide over")
    return -(-positions // stride)


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    windows = F.pad(x, [padding] * 4).unfold(2, weight.shape[2], stride).unfold(3, weight.shape[3], stride)
    parts = [
        torch.einsum("nchwij,ocij->nohw", seen, kernel)
        for seen, kernel in zip(windows.chunk(groups, dim=1), weight.chunk(groups, dim=0), strict=True)
    ]
    y = torch.cat(parts, dim=1)
    if bias is not None:
        y = y + bias.view(1, -1, 1, 1)
    return y
