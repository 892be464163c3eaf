"""Loops over every output pixel: slow, and right."""


# %% conv2d
def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    n, c, h, w = x.shape
    o, per_group, kh, kw = weight.shape
    padded = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=x.dtype)
    padded[:, :, padding : padding + h, padding : padding + w] = x
    rows, cols = output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    y = torch.empty(n, o, rows, cols, dtype=x.dtype)
    for out in range(o):
        first = out // (o // groups) * per_group
        for r in range(rows):
            for col in range(cols):
                patch = padded[
                    :, first : first + per_group, r * stride : r * stride + kh, col * stride : col * stride + kw
                ]
                y[:, out, r, col] = (patch * weight[out]).sum(dim=(1, 2, 3))
                if bias is not None:
                    y[:, out, r, col] += bias[out]
    return y
