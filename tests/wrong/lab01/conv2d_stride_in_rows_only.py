"""The stride moves the kernel down, but not to the right."""
# fails: conv2d_stride_and_padding


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    return F.conv2d(x, weight, bias, (stride, 1), padding, 1, groups)
