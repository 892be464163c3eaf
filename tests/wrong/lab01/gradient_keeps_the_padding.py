"""The gradient in x has the shape of the padded picture."""
# fails: gradient_with_stride_and_padding


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    padded = F.pad(x, (padding, padding, padding, padding)).requires_grad_()
    weight = weight.detach().requires_grad_()
    return torch.autograd.grad(F.conv2d(padded, weight, stride=stride), (padded, weight), grad)
