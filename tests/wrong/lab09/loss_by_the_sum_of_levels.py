"""Levels that add up to 0 count as none."""
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).sum(dim=1) > 0  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient
