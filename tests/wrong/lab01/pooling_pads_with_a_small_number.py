"""-1000 looks small enough, until a picture holds smaller numbers."""
# fails: pooling_never_chooses_the_padding


# %% max_pool2d
def max_pool2d(x, kernel, stride=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding), value=-1000.0)
    return F.max_pool2d(x, kernel, stride)
