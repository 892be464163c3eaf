"""Both gradients as convolutions: a full one with the flipped kernel, and one of the picture with the gradient."""


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    n, o, rows, cols = grad.shape
    kh, kw = weight.shape[2:]
    spread = grad.new_zeros(n, o, x.shape[2] + 2 * padding - kh + 1, x.shape[3] + 2 * padding - kw + 1)
    spread[:, :, : stride * rows : stride, : stride * cols : stride] = grad
    full = F.pad(spread, (kw - 1, kw - 1, kh - 1, kh - 1))
    grad_x = conv2d(full, weight.flip(2, 3).transpose(0, 1))
    padded = F.pad(x, (padding,) * 4)
    grad_weight = conv2d(padded.transpose(0, 1), spread.transpose(0, 1)).transpose(0, 1)
    return [grad_x[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], grad_weight]
