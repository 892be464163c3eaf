"""The output of each layer is counted, as a summary table does, whoever keeps it."""
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
