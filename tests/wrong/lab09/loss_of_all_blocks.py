"""Blocks without a level count, too."""
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd(prediction - decoded).sum()
    return transforms.satd(output - decoded).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient
