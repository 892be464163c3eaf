"""The padding is counted once, not on both sides."""
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    if reach > size + padding:
        raise ValueError("the kernel does not fit")
    return (size + padding - reach) // stride + 1
