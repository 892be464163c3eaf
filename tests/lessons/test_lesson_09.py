"""What lesson 09 counts and rebuilds, taken from the notebook and held against the library on other networks."""

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from course_tools.notebook_code import definitions
from course_utils import costs

lesson = definitions(ROOT / "lessons" / "09_memory_and_cost.ipynb")
CPU = torch.device("cpu")


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def state(net: nn.Module) -> list[torch.Tensor]:
    return [*net.parameters(), *net.buffers()]


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50", "densenet121"])
def test_the_prediction_is_within_five_per_cent_of_a_real_pass(name):
    with torch.device("meta"):
        shell = models.get_model(name, weights=None)
    predicted = costs.predict(shell, (1, 3, 112, 112)).activation_bytes
    net = shell.to_empty(device="cpu").train()
    measured = lesson.kept_bytes(net, torch.zeros(1, 3, 112, 112), state(net))
    assert abs(predicted / measured - 1) < 0.05


@settings(max_examples=20, deadline=None)
@given(
    strides=st.lists(st.integers(1, 2), min_size=1, max_size=4),
    width=st.integers(1, 6),
    batch=st.integers(1, 5),
    side=st.integers(4, 11),
)
def test_kept_bytes_and_peak_are_the_librarys(strides, width, batch, side):
    net = lesson.six_layers(strides, width)
    x, y = torch.rand(batch + 1, 1, side, side), torch.zeros(batch + 1, dtype=torch.long)
    assert lesson.kept_bytes(net, x, state(net)) == costs.predict(net, x.shape).activation_bytes
    ours = lesson.peak_bytes(net, x, y)
    net.zero_grad()
    assert ours == costs.measure_peak(lambda: lesson.forward_backward(net, x, y), CPU)


def test_a_counter_that_counts_a_shared_storage_twice_is_caught():
    class Twice(lesson.KeptBytes):
        def pack(self, tensor):
            self.total += tensor.untyped_storage().nbytes()
            return tensor.detach()

    net, x = lesson.six_layers((1, 2), 4), torch.rand(3, 1, 8, 8)
    keeper = Twice()
    with torch.autograd.graph.saved_tensors_hooks(keeper.pack, lambda tensor: tensor):
        net(x)
    assert keeper.total > costs.predict(net, x.shape).activation_bytes


def test_the_counter_leaves_nothing_alive():
    net, x = lesson.six_layers((1, 2), 4), torch.rand(3, 1, 8, 8)
    with lesson.LiveBytes() as live:
        lesson.kept_bytes(net, x, state(net))
    assert live.peak > 0 and live.now == 0


def test_the_counter_of_live_bytes_stops_at_its_limit():
    with lesson.LiveBytes(limit=4_000):
        torch.ones(1000)
    with pytest.raises(lesson.OutOfBytes), lesson.LiveBytes(limit=3_999):
        torch.ones(1000)


@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_packed_bits_come_back_for_every_shape(shape, seed):
    flags = numbers(*shape, seed=seed) > 0
    packed = lesson.pack_bits(flags)
    assert packed.dtype == torch.uint8 and packed.numel() == -(-flags.numel() // 8)
    assert torch.equal(lesson.unpack_bits(packed, flags.shape), flags)


class AlwaysOpen(lesson.BitReLU):
    """The mistake of letting every gradient through."""

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class OutputScaled(lesson.BitReLU):
    """The mistake of multiplying by the mask twice over."""

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (1 + lesson.unpack_bits(ctx.saved_tensors[0], ctx.shape))


def relu_gradient_is_right(kind, shape, seed) -> bool:
    x, weight = numbers(*shape, seed=seed).requires_grad_(), numbers(*shape, seed=seed + 1)
    ours, theirs = (torch.autograd.grad((relu(x) * weight).sum(), x)[0] for relu in (kind.apply, F.relu))
    return torch.equal(kind.apply(x), F.relu(x)) and torch.equal(ours, theirs)


@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_one_bit_relu_is_relu_forward_and_backward(shape, seed):
    assert relu_gradient_is_right(lesson.BitReLU, shape, seed)


@pytest.mark.parametrize("wrong", [AlwaysOpen, OutputScaled])
def test_a_wrong_one_bit_relu_is_caught(wrong):
    assert not relu_gradient_is_right(wrong, (4, 5), 0)


def gradients(net: nn.Module, run, y: torch.Tensor) -> torch.Tensor:
    return lesson.gradients_of(net, run, y)


@settings(max_examples=15, deadline=None)
@given(segments=st.integers(1, 9), batch=st.integers(2, 5), side=st.integers(4, 9))
def test_checkpoints_change_no_gradient(segments, batch, side):
    torch.manual_seed(0)
    net, x, y = lesson.six_layers((1, 2, 1), 3).double(), numbers(batch, 1, side, side), torch.arange(batch) % 10
    plain = gradients(net, lambda: net(x), y)
    assert torch.allclose(gradients(net, lambda: lesson.checkpointed(net, x, segments), y), plain, rtol=1e-9)


def test_a_checkpoint_that_forgets_the_incoming_gradient_is_caught(monkeypatch):
    class Forgetful(lesson.Checkpoint):
        @staticmethod
        def backward(ctx, gradient):
            return lesson.Checkpoint.backward(ctx, torch.ones_like(gradient))

    torch.manual_seed(0)
    net, x, y = lesson.six_layers((1, 2, 1), 3).double(), numbers(4, 1, 6, 6), torch.arange(4)
    plain = gradients(net, lambda: net(x), y)
    monkeypatch.setitem(lesson.checkpointed.__globals__, "Checkpoint", Forgetful)
    assert not torch.allclose(gradients(net, lambda: lesson.checkpointed(net, x, 2), y), plain, rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(images=st.integers(2, 11), parts=st.integers(1, 4))
def test_accumulation_is_the_whole_batch_without_batch_norm_even_for_uneven_parts(images, parts):
    torch.manual_seed(0)
    net = lesson.without_norm(lesson.six_layers((2, 1), 3)).double()
    x, y = numbers(images, 1, 8, 8), torch.arange(images) % 10
    whole = gradients(net, lambda: net(x), y)
    net.zero_grad()
    lesson.accumulate(net, x, y, len(x.chunk(parts)))
    assert torch.allclose(torch.cat([p.grad.flatten() for p in net.parameters()]), whole, rtol=1e-9, atol=1e-14)


def test_a_plain_mean_over_uneven_parts_is_another_gradient():
    torch.manual_seed(0)
    net = lesson.without_norm(lesson.six_layers((2, 1), 3)).double()
    x, y = numbers(5, 1, 8, 8), torch.arange(5)
    whole = gradients(net, lambda: net(x), y)
    net.zero_grad()
    for images, labels in zip(x.chunk(2), y.chunk(2), strict=True):
        (F.cross_entropy(net(images), labels) / 2).backward()
    assert not torch.allclose(torch.cat([p.grad.flatten() for p in net.parameters()]), whole, rtol=1e-3)


@given(limit=st.integers(0, 5000))
def test_bisection_finds_the_largest_that_fits(limit):
    assert lesson.largest(lambda number: number <= limit) == limit


@pytest.mark.parametrize("budget", [8_000_000, 20_000_000])
def test_the_batch_predicted_on_meta_is_the_one_that_fits(budget):
    predicted = lesson.largest(lambda batch: lesson.fits(batch, "meta", budget))
    assert predicted > 1
    assert lesson.fits(predicted, "cpu", budget) and not lesson.fits(predicted + 1, "cpu", budget)


def test_a_batch_from_the_kept_bytes_alone_is_too_large():
    with torch.device("meta"):
        net = lesson.six_layers(lesson.NEVER)
    batch = (20_000_000 - 12 * costs.parameters(net)) // costs.predict(net, (1, 1, 28, 28)).activation_bytes
    assert not lesson.fits(batch, "cpu", 20_000_000)
