"""No error where no position exists: the number comes out as zero, or less."""
# fails: output_size_at_the_edge


# %% output_size
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
