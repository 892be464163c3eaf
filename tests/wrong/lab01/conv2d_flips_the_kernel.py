"""A convolution as mathematics defines it: the kernel is flipped."""
# fails: conv2d_plain_and_with_bias


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight.flip(-1, -2), bias, stride, padding, 1, groups)
