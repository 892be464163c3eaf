"""A position that is only half there counts."""
# fails: output_size_over_a_grid


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return math.ceil((size + 2 * padding - reach) / stride) + 1
