"""Channel c goes to group c mod g: the groups are interleaved, not cut in order."""
# fails: conv2d_groups


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    n, channels, height, width = x.shape
    x = x.reshape(n, channels // groups, groups, height, width).transpose(1, 2).reshape(n, channels, height, width)
    return F.conv2d(x, weight, bias, stride, padding, 1, groups)
