"""The jump grows before the field does."""
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
