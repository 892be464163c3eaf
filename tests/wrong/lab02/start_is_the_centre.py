"""The middle of the first field, not its first pixel."""
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
