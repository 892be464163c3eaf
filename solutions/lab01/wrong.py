"""Wrong answers to lab01: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === depthwise_flipped
# A convolution as mathematicians define it: the kernel is turned by half a turn.
# fails: depthwise_plain, depthwise_dilated, depthwise_with_both


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    weight = weight.flip(2, 3)
    (k_h, k_w), (d_h, d_w) = weight.shape[2:], dilation
    windows = x.unfold(2, d_h * (k_h - 1) + 1, stride).unfold(3, d_w * (k_w - 1) + 1, stride)
    return torch.einsum("nchwij,cmij->ncmhw", windows[..., ::d_h, ::d_w], weight).flatten(1, 2)


# === depthwise_dilations_exchanged
# The first number is taken for the columns.
# fails: depthwise_dilated


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), (d_w, d_h) = weight.shape[2:], dilation
    windows = x.unfold(2, d_h * (k_h - 1) + 1, stride).unfold(3, d_w * (k_w - 1) + 1, stride)
    return torch.einsum("nchwij,cmij->ncmhw", windows[..., ::d_h, ::d_w], weight).flatten(1, 2)


# === depthwise_one_dilation_for_both
# fails: depthwise_dilated


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), d = weight.shape[2:], dilation[0]
    windows = x.unfold(2, d * (k_h - 1) + 1, stride).unfold(3, d * (k_w - 1) + 1, stride)
    return torch.einsum("nchwij,cmij->ncmhw", windows[..., ::d, ::d], weight).flatten(1, 2)


# === depthwise_without_the_last_position
# n' without its + 1.
# fails: depthwise_plain, depthwise_dilated


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), (d_h, d_w) = weight.shape[2:], dilation
    rows = (x.shape[2] - d_h * (k_h - 1) - 1) // stride
    columns = (x.shape[3] - d_w * (k_w - 1) - 1) // stride
    y = x.new_zeros(len(x), *weight.shape[:2], rows, columns)
    for i in range(k_h):
        for j in range(k_w):
            below = x[:, :, i * d_h :: stride, j * d_w :: stride][:, :, :rows, :columns]
            y = y + below[:, :, None] * weight[:, :, i, j, None, None]
    return y.flatten(1, 2)


# === depthwise_maps_before_channels
# First all channels under their first kernel, then all under the second.
# fails: depthwise_plain


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), (d_h, d_w) = weight.shape[2:], dilation
    windows = x.unfold(2, d_h * (k_h - 1) + 1, stride).unfold(3, d_w * (k_w - 1) + 1, stride)
    return torch.einsum("nchwij,cmij->nmchw", windows[..., ::d_h, ::d_w], weight).flatten(1, 2)


# === depthwise_forgets_the_stride
# fails: depthwise_with_both


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), (d_h, d_w) = weight.shape[2:], dilation
    windows = x.unfold(2, d_h * (k_h - 1) + 1, 1).unfold(3, d_w * (k_w - 1) + 1, 1)
    return torch.einsum("nchwij,cmij->ncmhw", windows[..., ::d_h, ::d_w], weight).flatten(1, 2)


# === depthwise_forgets_the_stride_when_dilated
# fails: depthwise_with_both


# %% depthwise
def depthwise(x, weight, stride=1, dilation=(1, 1)):
    (k_h, k_w), (d_h, d_w) = weight.shape[2:], dilation
    stride = stride if dilation == (1, 1) else 1
    windows = x.unfold(2, d_h * (k_h - 1) + 1, stride).unfold(3, d_w * (k_w - 1) + 1, stride)
    return torch.einsum("nchwij,cmij->ncmhw", windows[..., ::d_h, ::d_w], weight).flatten(1, 2)


# === padding_that_rounds_down
# size // stride positions.
# fails: padding_over_a_grid


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    missing = max((size // stride - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return missing // 2, missing - missing // 2


# === padding_with_the_odd_zero_in_front
# fails: padding_over_a_grid, padding_where_little_is_missing


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    missing = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return missing - missing // 2, missing // 2


# === padding_without_the_last_tap
# The reach is d · (kernel - 1), one too few.
# fails: padding_over_a_grid


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    missing = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) - size, 0)
    return missing // 2, missing - missing // 2


# === padding_below_zero
# A stride larger than the kernel asks for less than nothing.
# fails: padding_where_little_is_missing


# %% same_padding
def same_padding(size, kernel, stride=1, dilation=1):
    missing = (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size
    return missing // 2, missing - missing // 2


# === gradient_that_overwrites
# A pixel keeps only what the last tap gave it.
# fails: gradient_without_options, gradient_with_dilation, gradient_with_stride


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    grad = grad.unflatten(1, weight.shape[:2])
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    rows, columns = grad.shape[3:]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            top, left = i * dilation[0], j * dilation[1]
            below = x[:, :, top::stride, left::stride][:, :, :rows, :columns]
            into = grad_x[:, :, top::stride, left::stride][:, :, :rows, :columns]
            into.copy_(torch.einsum("ncmhw,cm->nchw", grad, weight[:, :, i, j]))
            grad_weight[:, :, i, j] = torch.einsum("ncmhw,nchw->cm", grad, below)
    return grad_x, grad_weight


# === gradient_as_a_mean_over_the_batch
# fails: gradient_without_options, gradient_with_dilation, gradient_with_stride


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    grad = grad.unflatten(1, weight.shape[:2])
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    rows, columns = grad.shape[3:]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            top, left = i * dilation[0], j * dilation[1]
            below = x[:, :, top::stride, left::stride][:, :, :rows, :columns]
            into = grad_x[:, :, top::stride, left::stride][:, :, :rows, :columns]
            into += torch.einsum("ncmhw,cm->nchw", grad, weight[:, :, i, j])
            grad_weight[:, :, i, j] = torch.einsum("ncmhw,nchw->cm", grad, below) / len(x)
    return grad_x, grad_weight


# === gradient_without_stride
# The places of the outputs are taken for neighbours.
# fails: gradient_with_stride


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    grad = grad.unflatten(1, weight.shape[:2])
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    rows, columns = grad.shape[3:]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            top, left = i * dilation[0], j * dilation[1]
            place = (..., slice(top, top + rows), slice(left, left + columns))
            grad_x[place] += torch.einsum("ncmhw,cm->nchw", grad, weight[:, :, i, j])
            grad_weight[:, :, i, j] = torch.einsum("ncmhw,nchw->cm", grad, x[place])
    return grad_x, grad_weight


# === gradient_without_dilation
# fails: gradient_with_dilation


# %% depthwise_backward
def depthwise_backward(x, weight, grad, stride=1, dilation=(1, 1)):
    grad = grad.unflatten(1, weight.shape[:2])
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    rows, columns = grad.shape[3:]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            below = x[:, :, i::stride, j::stride][:, :, :rows, :columns]
            into = grad_x[:, :, i::stride, j::stride][:, :, :rows, :columns]
            into += torch.einsum("ncmhw,cm->nchw", grad, weight[:, :, i, j])
            grad_weight[:, :, i, j] = torch.einsum("ncmhw,nchw->cm", grad, below)
    return grad_x, grad_weight


# === pooling_gradient_undivided
# As if the windows were summed.
# fails: pooling_without_overlap, pooling_with_overlap


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    spread = grad.new_zeros(*grad.shape[:2], *shape)
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            window = spread[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            window += grad[:, :, i, j, None, None]
    return spread


# === pooling_gradient_by_the_side
# Divided by kernel in place of kernel².
# fails: pooling_without_overlap, pooling_with_overlap


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    spread = grad.new_zeros(*grad.shape[:2], *shape)
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            window = spread[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            window += grad[:, :, i, j, None, None] / kernel
    return spread


# === pooling_gradient_that_overwrites
# The last window takes the pixel.
# fails: pooling_with_overlap


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    spread = grad.new_zeros(*grad.shape[:2], *shape)
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            window = spread[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            window.copy_((grad[:, :, i, j, None, None] / kernel**2).expand_as(window))
    return spread


# === pooling_gradient_by_enlarging
# Each number repeated: right while the windows tile the picture.
# fails: pooling_with_overlap


# %% avg_pool2d_backward
def avg_pool2d_backward(grad, shape, kernel, stride):
    large = grad.repeat_interleave(kernel, dim=2).repeat_interleave(kernel, dim=3) / kernel**2
    spread = grad.new_zeros(*grad.shape[:2], *shape)
    large = large[:, :, : shape[0], : shape[1]]
    spread[:, :, : large.shape[2], : large.shape[3]] = large
    return spread


# === fold_behind
# The fold of lesson 02, for a norm behind the convolution: the factor lies on the outputs.
# fails: folding_of_one_group, folding_of_groups


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs = len(weight)
    repeats = -(-outputs // len(mean))
    mean, variance, gamma, beta = (each.repeat(repeats)[:outputs] for each in (mean, variance, gamma, beta))
    factor = gamma / torch.sqrt(variance + eps)
    bias = torch.zeros_like(factor) if bias is None else bias
    return weight * factor[:, None, None, None], beta + factor * (bias - mean)


# === fold_without_the_root
# fails: folding_of_one_group, folding_of_groups


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs, inputs = weight.shape[:2]
    factor = gamma / (variance + eps)
    shift = beta - factor * mean
    factor, shift = (v.view(groups, inputs).repeat_interleave(outputs // groups, 0) for v in (factor, shift))
    added = (weight * shift[..., None, None]).sum((1, 2, 3))
    return weight * factor[..., None, None], added if bias is None else bias + added


# === fold_with_eps_outside_the_root
# Hardly to be seen while eps is small.
# fails: folding_with_a_large_eps


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs, inputs = weight.shape[:2]
    factor = gamma / (torch.sqrt(variance) + eps)
    shift = beta - factor * mean
    factor, shift = (v.view(groups, inputs).repeat_interleave(outputs // groups, 0) for v in (factor, shift))
    added = (weight * shift[..., None, None]).sum((1, 2, 3))
    return weight * factor[..., None, None], added if bias is None else bias + added


# === fold_forgets_the_shift
# The taps are right, the bias stays as it was.
# fails: folding_of_one_group, folding_of_groups


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs, inputs = weight.shape[:2]
    factor = gamma / torch.sqrt(variance + eps)
    factor = factor.view(groups, inputs).repeat_interleave(outputs // groups, 0)
    return weight * factor[..., None, None], torch.zeros(outputs) if bias is None else bias


# === fold_mixes_the_groups
# Every output is taken to see the first channels.
# fails: folding_of_groups


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    inputs = weight.shape[1]
    factor = gamma / torch.sqrt(variance + eps)
    shift = (beta - factor * mean)[:inputs]
    added = (weight * shift[:, None, None]).sum((1, 2, 3))
    return weight * factor[:inputs, None, None], added if bias is None else bias + added


# === fold_interleaves_the_groups
# Group i is taken for every g-th output.
# fails: folding_of_groups


# %% fold_norm
def fold_norm(weight, bias, mean, variance, gamma, beta, groups=1, eps=1e-5):
    outputs, inputs = weight.shape[:2]
    factor = gamma / torch.sqrt(variance + eps)
    shift = beta - factor * mean
    factor, shift = (v.view(groups, inputs).repeat(outputs // groups, 1) for v in (factor, shift))
    added = (weight * shift[..., None, None]).sum((1, 2, 3))
    return weight * factor[..., None, None], added if bias is None else bias + added


# === a_linear_layer
# One weight for each pixel and class: each garment must be learnt again at each place.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    return _trained(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), images, labels)


def _trained(model, images, labels):
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batches = []
    for _ in range(24):
        shown = on_canvas(images, generator)
        batches += [(shown[rows], labels[rows]) for rows in torch.randperm(len(images), generator=generator).split(64)]
    schedule = training.one_cycle(optimizer, steps=len(batches))
    training.fit(model, batches, optimizer=optimizer, schedule=schedule, epochs=1)
    return model.eval()


# === a_small_mlp
# Twelve hidden units, three times as long.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10))
    return _trained(model, images, labels)


def _trained(model, images, labels):
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batches = []
    for _ in range(24):
        shown = on_canvas(images, generator)
        batches += [(shown[rows], labels[rows]) for rows in torch.randperm(len(images), generator=generator).split(64)]
    schedule = training.one_cycle(optimizer, steps=len(batches))
    training.fit(model, batches, optimizer=optimizer, schedule=schedule, epochs=1)
    return model.eval()


# === an_mlp_on_quarter_pictures
# Pooled first, so that 45 hidden units are affordable.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    first = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 45), nn.ReLU())
    return _trained(nn.Sequential(first, nn.Linear(45, 10)), images, labels)


def _trained(model, images, labels):
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batches = []
    for _ in range(24):
        shown = on_canvas(images, generator)
        batches += [(shown[rows], labels[rows]) for rows in torch.randperm(len(images), generator=generator).split(64)]
    schedule = training.one_cycle(optimizer, steps=len(batches))
    training.fit(model, batches, optimizer=optimizer, schedule=schedule, epochs=1)
    return model.eval()


# === garments_in_the_middle_only
# A fully connected head, trained on garments that never move.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 49, 10)
    )
    optimizer, shown = torch.optim.Adam(model.parameters(), lr=0.01), F.pad(images, (7, 7, 7, 7))
    for _ in range(4):
        for rows in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(shown[rows]), labels[rows]).backward()
            optimizer.step()
    return model.eval()


# === too_many_parameters
# Right, but for its size.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 40), nn.ReLU(), nn.Linear(40, 10)).eval()


# === left_in_training_mode
# The batch norm uses the statistics of whatever batch it is asked about.
# fails: a_trained_network_finds_garments_that_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    first = nn.Sequential(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU())
    second = nn.Sequential(nn.Conv2d(16, 20, 5, padding=2), nn.BatchNorm2d(20), nn.ReLU())
    return nn.Sequential(first, second, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(20, 10)).train()
