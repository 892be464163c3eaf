"""Wrong answers to lab01: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === batch_norm_detached_statistics
# The mean and variance are constants to autograd: the gradient lacks two terms.
# fails: batch_norm_gradient


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(dim=(0, 2, 3)).detach(), x.var(dim=(0, 2, 3), correction=0).detach()
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)).detach(), self.momentum)
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


# === batch_norm_epsilon_outside_the_root
# sqrt(variance) + eps: hardly to be seen while eps is small.
# fails: batch_norm_in_training


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)).detach(), self.momentum)
        scale = self.weight / (torch.sqrt(variance) + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


# === batch_norm_forgets_evaluation
# The batch's own statistics are used in evaluation, too.
# fails: batch_norm_running_estimates


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
        if self.training:
            count = x.numel() // x.shape[1]
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * count / (count - 1), self.momentum)
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


# === batch_norm_momentum_turned_round
# new = momentum · old + (1 - momentum) · batch: the weights are exchanged.
# fails: batch_norm_running_estimates


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        y = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.0, self.eps)
        if self.training:
            self.running_mean.lerp_(x.mean(dim=(0, 2, 3)).detach(), 1 - self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)).detach(), 1 - self.momentum)
        return y


# === batch_norm_over_the_batch_only
# One mean for each pixel: the statistics of a fully connected layer.
# fails: batch_norm_in_training


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        self.running_mean.lerp_(x.mean(dim=(0, 2, 3)).detach(), self.momentum)
        self.running_var.lerp_(x.var(dim=(0, 2, 3)).detach(), self.momentum)
        y = (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, correction=0) + self.eps)
        return y * self.weight[:, None, None] + self.bias[:, None, None]


# === batch_norm_wrong_running_variance
# The running variance takes the estimate that divides by n.
# fails: batch_norm_running_estimates


# %% BatchNorm2d
class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach(), self.momentum)
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


# === conv2d_drops_the_bias
# The bias is taken and never used.
# fails: conv2d_plain_and_with_bias


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight, None, stride, padding, 1, groups)


# === conv2d_flips_the_kernel
# A convolution as mathematics defines it: the kernel is flipped.
# fails: conv2d_plain_and_with_bias


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight.flip(-1, -2), bias, stride, padding, 1, groups)


# === conv2d_ignores_the_groups
# Every output sees the first group's channels only.
# fails: conv2d_groups


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x[:, : weight.shape[1]], weight, bias, stride, padding)


# === conv2d_interleaves_the_groups
# Channel c goes to group c mod g: the groups are interleaved, not cut in order.
# fails: conv2d_groups


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    n, channels, height, width = x.shape
    x = x.reshape(n, channels // groups, groups, height, width).transpose(1, 2).reshape(n, channels, height, width)
    return F.conv2d(x, weight, bias, stride, padding, 1, groups)


# === conv2d_rows_and_columns_swapped
# The kernel is read as (kW, kH): right for square kernels that are symmetric.
# fails: conv2d_plain_and_with_bias


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight.transpose(-1, -2), bias, stride, padding, 1, groups)


# === conv2d_stride_in_rows_only
# The stride moves the kernel down, but not to the right.
# fails: conv2d_stride_and_padding


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight, bias, (stride, 1), padding, 1, groups)


# === gradient_averages_over_the_batch
# The gradient in the weight is the batch's mean, not its sum.
# fails: gradient_without_options


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    n = len(x)
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    grad_x, grad_weight = torch.autograd.grad(F.conv2d(x, weight, None, stride, padding), (x, weight), grad)
    return grad_x, grad_weight / n


# === gradient_keeps_the_padding
# The gradient in x has the shape of the padded picture.
# fails: gradient_with_stride_and_padding


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    padded = F.pad(x, (padding, padding, padding, padding)).requires_grad_()
    weight = weight.detach().requires_grad_()
    return torch.autograd.grad(F.conv2d(padded, weight, stride=stride), (padded, weight), grad)


# === gradient_without_stride
# The gradient is spread as if the kernel had moved by single pixels.
# fails: gradient_with_stride_and_padding


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    y = F.conv2d(x, weight, padding=padding)[..., : grad.shape[2], : grad.shape[3]]
    return torch.autograd.grad(y, (x, weight), grad)


# === output_size_never_refuses
# No error where no position exists: the number comes out as zero, or less.
# fails: output_size_at_the_edge


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


# === output_size_pads_one_side
# The padding is counted once, not on both sides.
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    if reach > size + padding:
        raise ValueError("the kernel does not fit")
    return (size + padding - reach) // stride + 1


# === output_size_rounds_up
# A position that is only half there counts.
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return math.ceil((size + 2 * padding - reach) / stride) + 1


# === output_size_without_dilation
# The dilation is forgotten: right for every case that does not use it.
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    if kernel > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size + 2 * padding - kernel) // stride + 1


# === pooling_pads_with_a_small_number
# -1000 looks small enough, until a picture holds smaller numbers.
# fails: pooling_never_chooses_the_padding


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding), value=-1000.0)
    return F.max_pool2d(x, kernel, stride)


# === pooling_pads_with_zero
# Padded zeros win against negative numbers.
# fails: pooling_never_chooses_the_padding


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    return F.max_pool2d(x, kernel, stride)


# === pooling_stride_one
# The stride defaults to 1, not to the kernel.
# fails: pooling_windows


# %% max_pool2d
def max_pool2d(x, kernel, stride=1, padding=0):
    return F.max_pool2d(x, kernel, stride or 1, padding)


# === pooling_takes_the_mean
# The average of each window.
# fails: pooling_windows


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    return F.avg_pool2d(x, kernel, stride, padding)


# === training_never_steps
# The gradients are there, and no weight moves.
# fails: a_trained_network_knows_pictures_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.BatchNorm2d(1, affine=False),
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for rows in torch.randperm(len(images)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(images[rows]), labels[rows]).backward()
    return model.eval()


# === training_returns_training_mode
# eval() is forgotten: a picture's scores depend on the others in its batch.
# fails: a_trained_network_knows_pictures_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.BatchNorm2d(1, affine=False),
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(6):
        for rows in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model


# === training_shuffles_pictures_alone
# Pictures and labels are shuffled apart from each other.
# fails: a_trained_network_knows_pictures_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.BatchNorm2d(1, affine=False),
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(3):
        for rows in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[torch.randperm(len(labels))[: len(rows)]]).backward()
            optimizer.step()
    return model.eval()


# === training_without_zero_grad
# Gradients add up over all steps.
# fails: a_trained_network_knows_pictures_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.BatchNorm2d(1, affine=False),
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(2):
        for rows in torch.randperm(len(images)).split(64):
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model.eval()
