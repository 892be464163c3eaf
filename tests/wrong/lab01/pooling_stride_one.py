"""The stride defaults to 1, not to the kernel."""
# fails: pooling_windows


# %% max_pool2d
def max_pool2d(x, kernel, stride=1, padding=0):
    return F.max_pool2d(x, kernel, stride or 1, padding)
