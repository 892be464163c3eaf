"""The gradient is spread as if the kernel had moved by single pixels."""
# fails: gradient_with_stride_and_padding


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    y = F.conv2d(x, weight, padding=padding)[..., : grad.shape[2], : grad.shape[3]]
    return torch.autograd.grad(y, (x, weight), grad)
