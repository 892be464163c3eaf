"""The step by torch.optim.SGD, the loss by weights of 0 and 1; a warning on the way."""

# %% learning
import warnings


def learning_loss(output, prediction, decoded, levels):
    counts = (levels.abs().sum(dim=(1, 2)) > 0).to(output.dtype)
    if counts.sum() == 0:
        return None
    above = (counts * transforms.satd(output - decoded)).sum()
    below = (counts * transforms.satd(prediction - decoded)).sum()
    return above / torch.clamp(below, min=1.0)


def descend(net, loss, learning_rate):
    warnings.warn("an optimiser for one step", stacklevel=1)
    optimiser = torch.optim.SGD(net.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
