"""The gradient in the weight is the batch's mean, not its sum."""
# fails: gradient_without_options


# %% conv2d_backward
def conv2d_backward(x, weight, grad, stride=1, padding=0):
    n = len(x)
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    grad_x, grad_weight = torch.autograd.grad(F.conv2d(x, weight, None, stride, padding), (x, weight), grad)
    return grad_x, grad_weight / n
