"""Padded zeros win against negative numbers."""
# fails: pooling_never_chooses_the_padding


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    return F.max_pool2d(x, kernel, stride)
