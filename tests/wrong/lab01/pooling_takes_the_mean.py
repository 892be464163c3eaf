"""The average of each window."""
# fails: pooling_windows


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    return F.avg_pool2d(x, kernel, stride, padding)
