"""The dilation is forgotten: right for every case that does not use it."""
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    if kernel > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size + 2 * padding - kernel) // stride + 1
