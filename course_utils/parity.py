"""Is the network written out in a lesson the library's? Same weights in, same numbers out, to rounding.

At random initialisation such a check is nearly empty: a deep network's outputs hardly depend on its input, so a wrong
one passes with a loose tolerance. Hence the three rules here: every weight and every batch-norm statistic is drawn so
that each layer matters, all arithmetic is float64, and the error is relative to how far outputs differ between inputs.
"""

import math

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError


def randomize(model: nn.Module, seed: int = 0) -> None:
    """Draw all weights, biases and batch-norm statistics of `model` anew, on the CPU, from `seed`.

    Weights of two and more dimensions keep the variance of their input through a ReLU (He et al., 2015, eq. 10);
    scales and variances are uniform in [0.5, 1.5], shifts and means normal with standard deviation 0.2.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(like: Tensor, std: float) -> Tensor:
        return std * torch.randn(like.shape, generator=generator, dtype=torch.float64)

    def uniform(like: Tensor) -> Tensor:
        return 0.5 + torch.rand(like.shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not value.is_floating_point():
                continue
            if value.ndim > 1:
                value.copy_(normal(value, math.sqrt(2 / value[0].numel())))
            elif name.endswith(("weight", "running_var")):
                value.copy_(uniform(value))
            else:
                value.copy_(normal(value, 0.2))


def copy_state(source: nn.Module, target: nn.Module) -> None:
    """Copy weights and statistics from `source` into `target` in the order in which both define them; names may differ.

    Raises `CourseError` that names the first tensor whose shape differs, or the one that has no counterpart.
    """
    values, places = list(source.state_dict().items()), list(target.state_dict().items())
    for (source_name, value), (name, place) in zip(values, places, strict=False):
        if value.shape != place.shape:
            raise CourseError(
                f"{name} is {tuple(place.shape)} but {source_name} is {tuple(value.shape)}: define both in one order"
            )
    if len(values) != len(places):
        surplus = max(values, places, key=len)[min(len(values), len(places))][0]
        raise CourseError(f"{surplus} has no counterpart: {len(values)} tensors there, {len(places)} here")
    with torch.no_grad():
        for (_, value), (_, place) in zip(values, places, strict=True):
            place.copy_(value)


@torch.no_grad()
def relative_error(model: nn.Module, reference: nn.Module, shape: tuple[int, ...], *, seed: int = 0) -> float:
    """Greatest difference of outputs in evaluation mode, over the spread of outputs between the inputs of one batch.

    shape: of the random batch, of two pictures or more. `reference` is randomised and copied into `model`; both end as
    float64. Rounding gives about 1e-12; the smallest mistake tried, one batch norm's epsilon, more than 1e-6.
    Raises `CourseError` where the weights of the two do not correspond, `ValueError` where all inputs give one output.

    >>> relative_error(nn.Sequential(nn.Linear(3, 2)), nn.Linear(3, 2), (4, 3))
    0.0
    """
    for network in (model, reference):
        network.double().eval()
    randomize(reference, seed)
    copy_state(reference, model)
    batch = torch.randn(shape, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    outputs, expected = model(batch), reference(batch)
    if outputs.shape != expected.shape:
        return math.inf
    spread = (expected - expected.mean(dim=0)).abs().max()
    if spread == 0:
        raise ValueError("all inputs give the same output: this comparison would prove nothing")
    return float((outputs - expected).abs().max() / spread)
