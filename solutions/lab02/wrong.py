"""Wrong answers to lab02: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === cost_counts_running_statistics
# Running mean and variance are counted as parameters: four numbers a channel.
# fails: parameters_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 4 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_forgets_the_winners
# A pooling keeps its input, but not where its winners were.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                pass
    return parameters, kept


# === cost_keeps_shared_maps_twice
# ReLU's output is counted again as the input of the layer behind it.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear"):
            kept += 4 * batch * channels * height * width
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_linear_reads_channels_only
# The linear layer is taken to follow a mean, always.
# fails: parameters_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_of_all_outputs
# The output of each layer is counted, as a summary table does, whoever keeps it.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers, shape):
    batch, channels, height, width = shape
    parameters = kept = 0
    for kind, *options in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = options
            parameters += outputs * (channels * kernel**2 + 1)
            channels = outputs
        if kind == "norm":
            parameters += 2 * channels
        if kind == "linear":
            parameters += options[0] * (channels * height * width + 1)
            channels, height, width = options[0], 1, 1
        if kind == "mean":
            height = width = 1
        if kind in ("conv", "pool"):
            kernel, stride, padding = options[-3:]
            height = (height + 2 * padding - kernel) // stride + 1
            width = (width + 2 * padding - kernel) // stride + 1
        kept += 4 * batch * channels * height * width
    return parameters, kept


# === cost_of_one_picture
# The batch is left out of the kept bytes.
# fails: kept_bytes_of_random_networks


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    _, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * channels * height * width  # the winners' places
    return parameters, kept


# === cost_of_relus_input
# ReLU is said to keep its input, as GELU does.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear", "relu"):
            kept += 4 * batch * channels * height * width
        if kind == "relu":
            continue
        if kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_of_winners_in_four_bytes
# The places are int64, not int32.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 4 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_pictures_are_square
# The width is taken to be the height.
# fails: kept_bytes_of_random_networks


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    width = height
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_weights_for_every_position
# The weights of a convolution are counted once for each place of its output.
# fails: parameters_of_random_networks


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1) * height * width
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_without_biases
# Weights only.
# fails: parameters_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
            kept += 4 * 2 * channels  # the batch's mean and inverse deviation
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * channels * height * width
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * channels * kernel**2
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === cost_without_the_norms_two_numbers
# The batch's mean and deviation are forgotten.
# fails: kept_bytes_of_random_networks, cost_of_short_chains


# %% training_cost
def training_cost(layers: list[tuple], shape: tuple[int, int, int, int]) -> tuple[int, int]:
    """Learnable parameters, and bytes kept for the backward pass, of `layers` on a float32 batch (N, C, H, W)."""
    batch, channels, height, width = shape
    parameters = kept = 0
    is_kept = False  # whether the map that enters the layer was kept by the layer before
    for kind, *options in layers:
        if kind in ("conv", "norm", "pool", "linear") and not is_kept:
            kept += 4 * batch * channels * height * width
        is_kept = kind == "relu"
        if kind == "relu":
            kept += 4 * batch * channels * height * width
        elif kind == "norm":
            parameters += 2 * channels
        elif kind == "mean":
            height = width = 1
        elif kind == "linear":
            (outputs,) = options
            parameters += outputs * (channels * height * width + 1)
            channels, height, width = outputs, 1, 1
        else:
            *outputs, kernel, stride, padding = options
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            if kind == "conv":
                parameters += outputs[0] * (channels * kernel**2 + 1)
                channels = outputs[0]
            else:
                kept += 8 * batch * channels * height * width  # the winners' places
    return parameters, kept


# === dense_new_before_old
# The new channels are put in front.
# fails: dense_block_in_evaluation, dense_block_at_the_edge


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([layer(x), x], dim=1)
        return x


# === dense_norm_after_the_convolution
# Convolution, norm, ReLU, as in the other blocks.
# fails: dense_block_in_evaluation


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(growth),
                nn.ReLU(),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x


# === dense_reads_the_last_features_only
# Layer n normalises everything, but the first features are cut off from it.
# fails: dense_block_in_training, dense_block_in_evaluation


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            seen = torch.cat([torch.zeros_like(x[:, :-1]), x[:, -1:]], dim=1)
            x = torch.cat([x, layer(seen)], dim=1)
        return x


# === dense_relu_before_norm
# ReLU, then batch norm, in front of each convolution.
# fails: dense_block_in_evaluation


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.ReLU(),
                nn.BatchNorm2d(seen),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.ReLU(),
                nn.BatchNorm2d(4 * growth),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x


# === dense_relu_in_place_on_the_features
# The activation writes into the features that later layers and the output still need.
# fails: dense_block_in_evaluation, dense_block_at_the_edge


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([x, layer(F.relu_(x))], dim=1)
        return x


# === dense_returns_the_new_channels
# The input is not among what comes out.
# fails: dense_block_in_evaluation, dense_block_at_the_edge


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x[:, self.layers[0][0].num_features :]


# === dense_without_bottleneck
# One 3×3 straight to `growth` channels, no 1×1.
# fails: dense_block_in_evaluation


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x


# === field_adds_the_strides
# Strides are added up, not multiplied.
# fails: field_and_jump


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump += stride - 1  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === field_counts_whole_kernels
# Each layer adds its whole kernel, not its steps.
# fails: field_and_jump


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += dilation * kernel * jump
        start -= padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === field_dilates_the_kernel
# The dilated kernel is d · k wide: the last tap is counted with its gap.
# fails: field_of_dilated_kernels


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += (dilation * kernel - 1) * jump
        start -= padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === field_from_the_far_end
# The layers are taken in the wrong order.
# fails: field_and_jump


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in reversed(layers):
        field += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === field_with_its_own_stride
# The jump grows before the field does.
# fails: field_and_jump


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        start -= padding * jump
        jump *= stride
        field += dilation * (kernel - 1) * jump
    return field, jump, start


# === field_without_dilation
# The taps are taken to be neighbours.
# fails: field_of_dilated_kernels


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, _ in layers:
        field += (kernel - 1) * jump
        start -= padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === gate_after_the_addition
# The gate scales the sum, and the shortcut with it.
# fails: residual_block_with_a_gate


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(self.gate(y + self.shortcut(x)))


# === gate_by_softmax
# The gates of a picture compete: softmax in place of the sigmoid.
# fails: squeeze_excitation_gates, residual_block_with_a_gate


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.softmax(self.expand(F.relu(self.reduce(squeezed))), dim=1)  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === gate_from_the_maximum
# The greatest number of each channel is squeezed, not the mean.
# fails: squeeze_excitation_gates


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.amax(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === gate_is_added
# The gate is added to the channel, not multiplied.
# fails: squeeze_excitation_gates


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x + gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === gate_never_used
# The gate is built, and `forward` forgets it.
# fails: residual_block_with_a_gate


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.shortcut(x))


# === gate_of_the_whole_batch
# The mean runs over the batch, too: all pictures get one gate.
# fails: squeeze_excitation_gates


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(0, 2, 3))[None]  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === gate_without_relu
# Two linear layers in a row, and nothing between them.
# fails: squeeze_excitation_gates


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(self.reduce(squeezed)))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === inception_branches_in_a_row
# The 5×5 branch reads the 3×3 branch, not the input.
# fails: inception_at_the_edge, inception_in_evaluation


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(three, reduce5, 1), conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        three = self.branch2(x)
        return torch.cat([self.branch1(x), three, self.branch3(three), self.branch4(x)], dim=1)


# === inception_five_is_a_three
# torchvision's slip: the third branch has a 3×3.
# fails: inception_in_evaluation


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# === inception_joins_in_another_order
# The pooling branch comes out first.
# fails: inception_in_evaluation, inception_at_the_edge


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch4(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1)


# === inception_pools_after_the_projection
# The fourth branch is 1×1 first, then pooling.
# fails: inception_in_evaluation


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(conv(inputs, pool, 1), nn.MaxPool2d(3, stride=1, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# === inception_reductions_without_relu
# The 1×1 reductions are left linear.
# fails: inception_in_evaluation, inception_in_training


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(*conv(inputs, reduce3, 1)[:2], conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(*conv(inputs, reduce5, 1)[:2], conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# === inception_takes_the_mean
# Average pooling in the fourth branch.
# fails: inception_in_evaluation


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# === inception_with_another_epsilon
# torchvision's ε of 0.001 in every batch norm.
# fails: inception_in_evaluation, inception_in_training


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# === residual_no_last_relu
# The sum leaves the block without a ReLU.
# fails: residual_block_with_an_identity


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return y + self.shortcut(x)


# === residual_projection_without_norm
# The projection is a bare convolution.
# fails: residual_block_with_a_projection


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = projection

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === residual_projects_always
# A projection even where the input fits.
# fails: residual_block_with_an_identity


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if True:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === residual_projects_for_channels_only
# A stride alone gets no projection: the shapes do not fit.
# fails: residual_block_with_a_projection


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === residual_projects_what_was_activated
# `x` is overwritten by the first ReLU before it is added.
# fails: residual_block_with_an_identity


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = self.bn1(self.conv1(F.relu_(x)))
        y = F.relu(y)
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === residual_relu_before_the_addition
# ReLU, then the sum: the branch can only add.
# fails: residual_block_with_an_identity, residual_block_with_a_projection


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y) + self.shortcut(x)


# === residual_stride_on_the_second
# The second convolution takes the steps.
# fails: residual_block_with_a_projection


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))


# === residual_without_the_shortcut
# A plain block: the shortcut is built and not added where it is the identity.
# fails: residual_block_with_an_identity


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        if isinstance(self.shortcut, nn.Identity):
            return F.relu(y)
        return F.relu(y + self.shortcut(x))


# === start_in_steps
# The padding of a deep layer is counted in pixels.
# fails: start_of_padded_stacks


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += dilation * (kernel - 1) * jump
        start -= padding
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === start_is_the_centre
# The middle of the first field, not its first pixel.
# fails: start_of_padded_stacks


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start + (field - 1) // 2


# === start_to_the_right
# Padding moves the first unit the other way.
# fails: start_of_padded_stacks


# %% receptive_field
def receptive_field(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, in pixels, of the map behind `layers`, each (kernel, stride, padding, dilation)."""
    field, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        field += dilation * (kernel - 1) * jump
        start += padding * jump
        jump *= stride  # last: the layer's taps and its padding are steps of its input
    return field, jump, start


# === vgg_no_relu_without_norm
# The ReLU hangs on the norm: without batch norm the stage is linear.
# fails: vgg_stage_without_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3, padding=1))
        if norm:
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


# === vgg_norm_after_relu
# Convolution, ReLU, batch norm: the last two are exchanged.
# fails: vgg_stage_with_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3, padding=1))
        layers.append(nn.ReLU())
        if norm:
            layers.append(nn.BatchNorm2d(width))
    return nn.Sequential(*layers, nn.MaxPool2d(2))


# === vgg_pools_after_every_convolution
# The map is halved after each convolution, not after the stage.
# fails: vgg_stage_with_batch_norm, vgg_stage_without_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3, padding=1))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers)


# === vgg_rounds_up
# The pooling keeps a row that is left over: ceil_mode.
# fails: vgg_stage_with_batch_norm, vgg_stage_without_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3, padding=1))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True))


# === vgg_without_padding
# Each convolution cuts a rim off.
# fails: vgg_stage_with_batch_norm, vgg_stage_without_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool2d(2))
