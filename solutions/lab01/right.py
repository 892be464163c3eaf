"""Right answers to lab01 of another kind than the solution: each must get all points in the cells that it replaces."""


# === windows_and_einsum
# Windows by Tensor.unfold, of which a dilated kernel reads every d-th pixel.


# %% depthwise
def _windows(x, kernel, stride, dilation):
    for side in (0, 1):
        x = x.unfold(2 + side, dilation[side] * (kernel[side] - 1) + 1, stride)
    return x[..., :: dilation[0], :: dilation[1]]


def depthwise(x, weight, stride=1, dilation=(1, 1)):
    windows = _windows(x, weight.shape[2:], stride, dilation)
    return torch.einsum("nchwij,cmij->ncmhw", windows, weight).flatten(1, 2)


# === loops_over_output_pixels
# Slow, and right. The buffer has torch's default dtype.


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    n, channels, height, width = x.shape
    maps, k_h, k_w = weight.shape[1:]
    d_h, d_w = dilation
    rows = len(range(0, height - d_h * (k_h - 1), stride))
    columns = len(range(0, width - d_w * (k_w - 1), stride))
    y = torch.zeros(n, channels * maps, rows, columns)
    for r in range(rows):
        for c in range(columns):
            top, left = r * stride, c * stride
            patch = x[:, :, top : top + d_h * k_h : d_h, left : left + d_w * k_w : d_w][:, :, :k_h, :k_w]
            for k in range(channels):
                for m in range(maps):
                    y[:, k * maps + m, r, c] = (patch[:, k] * weight[k, m]).sum(dim=(1, 2))
    return y


# === padding_counted_out
# No formula: the pixel behind the last position is looked up.


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    starts = list(range(0, size, stride))
    last = starts[-1] + dilation * (kernel - 1)
    missing = max(0, last - (size - 1))
    return [missing // 2, (missing + 1) // 2]


# === gradient_over_outputs
# Every output gives its gradient to the pixels under it. The buffers have torch's default dtype.


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    channels, maps, k_h, k_w = weight.shape
    d_h, d_w = dilation
    grad_x, grad_weight = torch.zeros(x.shape), torch.zeros(weight.shape)
    for r in range(grad.shape[2]):
        for c in range(grad.shape[3]):
            rows = [r * stride + i * d_h for i in range(k_h)]
            columns = [c * stride + j * d_w for j in range(k_w)]
            here = grad[:, :, r, c].reshape(-1, channels, maps)
            for i, row in enumerate(rows):
                for j, column in enumerate(columns):
                    grad_x[:, :, row, column] += (here * weight[:, :, i, j]).sum(dim=2)
                    grad_weight[:, :, i, j] += (here * x[:, :, row, column, None]).sum(dim=0)
    return [grad_x, grad_weight]


# === gradient_by_the_own_convolution
# The pixels' gradient as a full convolution with the flipped kernel, over a gradient that is spread by the stride.


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    channels, maps, k_h, k_w = weight.shape
    reach = [d * (k - 1) for d, k in zip(dilation, (k_h, k_w), strict=True)]
    rows, columns = x.shape[2] - reach[0], x.shape[3] - reach[1]
    spread = grad.new_zeros(*grad.shape[:2], rows, columns)
    spread[:, :, ::stride, ::stride] = grad
    full = F.pad(spread, (reach[1], reach[1], reach[0], reach[0]))
    kernels = weight.flip(2, 3).flatten(0, 1)[:, None]  # (C · M, 1, kH, kW)
    grad_x = depthwise(full, kernels, 1, dilation).unflatten(1, (channels, maps)).sum(dim=2)
    seen = [
        [x[:, :, i * dilation[0] :, j * dilation[1] :][:, :, :rows, :columns] for j in range(k_w)] for i in range(k_h)
    ]
    spread = spread.unflatten(1, (channels, maps))
    grad_weight = torch.stack(
        [torch.stack([(spread * part[:, :, None]).sum(dim=(0, 3, 4)) for part in line], dim=-1) for line in seen],
        dim=-2,
    )
    return grad_x, grad_weight


# === pooling_gradient_as_a_matrix
# A row of the matrix is a window; its transpose carries the gradient back, once for each direction.


# %% avg_pool2d_backward
def _means(count, size, kernel, stride, dtype):
    matrix = torch.zeros(count, size, dtype=dtype)
    for place in range(count):
        matrix[place, place * stride : place * stride + kernel] = 1 / kernel
    return matrix


def avg_pool2d_backward(grad, shape, kernel, stride):
    down, across = (_means(grad.shape[2 + k], shape[k], kernel, stride, grad.dtype) for k in (0, 1))
    return down.T @ grad @ across


# === pooling_gradient_by_the_own_gradient
# Average pooling is a depthwise convolution with equal taps.


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    channels = grad.shape[1]
    taps = torch.full((channels, 1, kernel, kernel), 1 / kernel**2, dtype=grad.dtype)
    return depthwise_backward(torch.zeros(len(grad), channels, *shape, dtype=grad.dtype), taps, grad, stride)[0]


# === fold_output_by_output
# A loop over outputs and their inputs, in torch's default dtype.


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    new_weight, new_bias = torch.zeros(weight.shape), torch.zeros(len(weight))
    for o in range(len(weight)):
        if bias is not None:
            new_bias[o] = bias[o]
        for i in range(weight.shape[1]):
            c = o // (len(weight) // groups) * weight.shape[1] + i
            factor = gamma[c] * (variance[c] + eps) ** -0.5
            new_weight[o, i] = weight[o, i] * factor
            new_bias[o] += (beta[c] - mean[c] * factor) * weight[o, i].sum()
    return new_weight, new_bias


# === a_network_class_and_adamw
# A module with its own forward, five by five taps, and a training loop written out.


# %% train_cnn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 12, 5, stride=2, padding=2)
        self.second = nn.Conv2d(12, 24, 5, padding=2)
        self.norms = nn.ModuleList([nn.BatchNorm2d(12), nn.BatchNorm2d(24)])
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        x = F.relu(self.norms[0](self.first(x)))
        x = F.relu(self.norms[1](self.second(x)))
        return self.head(x.amax(dim=(2, 3)))


def train_cnn(images, labels):
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(3)
    epochs, steps = 8, -(-len(images) // 50)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, epochs=epochs, steps_per_epoch=steps)
    for _ in range(epochs):
        shown = on_canvas(images, generator)
        for rows in torch.randperm(len(images)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(net(shown[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    return net
