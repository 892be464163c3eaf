"""Weights only."""
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
