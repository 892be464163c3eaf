"""Goes from the last layer back to the picture: the interval that a unit needs of each map. Returns a list."""


# %% receptive_field
def needed(layers, first, last):
    """The first and last place of the input that the units first to last depend on."""
    for kernel, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
    return first, last


def receptive_field(layers):
    (a, b), (c, _) = needed(layers, 0, 0), needed(layers, 1, 1)
    return [b - a + 1, c - a, a]
