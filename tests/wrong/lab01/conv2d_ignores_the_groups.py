"""Every output sees the first group's channels only."""
# fails: conv2d_groups


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x[:, : weight.shape[1]], weight, bias, stride, padding)
