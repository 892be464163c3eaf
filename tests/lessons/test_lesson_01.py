"""What lesson 01 writes out, taken from the notebook and held against torch on fresh numbers."""

import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "01_the_training_loop.ipynb")


@given(examples=st.integers(1, 20), classes=st.integers(1, 12), scale=st.sampled_from([0.1, 3.0, 1e4]))
def test_the_written_out_cross_entropy_equals_torchs_even_for_huge_logits(examples, classes, scale):
    generator = torch.Generator().manual_seed(examples * classes)
    logits = scale * torch.randn(examples, classes, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (examples,), generator=generator)
    assert torch.allclose(lesson.cross_entropy(logits, labels), F.cross_entropy(logits, labels), rtol=1e-9, atol=1e-12)


def after_ten_steps(make) -> torch.Tensor:
    """A weight that starts at fixed numbers and follows the optimiser for ten steps on an uneven bowl."""
    weight = torch.linspace(-1, 2, 7, dtype=torch.float64).requires_grad_()
    curvature = torch.logspace(-2, 1, 7, dtype=torch.float64)
    optimizer = make([weight])
    for _ in range(10):
        weight.grad = None
        (curvature * weight**2 + weight.sin()).sum().backward()
        optimizer.step()
    return weight.detach()


@settings(max_examples=30)
@given(lr=st.floats(1e-3, 0.05), momentum=st.floats(0, 0.99), weight_decay=st.floats(0, 0.1))
def test_the_written_out_sgd_equals_torchs(lr, momentum, weight_decay):
    options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
    ours, theirs = (after_ten_steps(lambda p, kind=kind: kind(p, **options)) for kind in (lesson.SGD, torch.optim.SGD))
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@settings(max_examples=30)
@given(lr=st.floats(1e-3, 0.1), weight_decay=st.floats(0, 0.5), beta1=st.floats(0, 0.95), beta2=st.floats(0.5, 0.999))
def test_the_written_out_adamw_equals_torchs(lr, weight_decay, beta1, beta2):
    options = {"lr": lr, "weight_decay": weight_decay, "betas": (beta1, beta2)}
    ours, theirs = (
        after_ten_steps(lambda p, kind=kind: kind(p, **options)) for kind in (lesson.AdamW, torch.optim.AdamW)
    )
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_adam_with_an_l2_term_is_not_adamw():
    coupled = after_ten_steps(lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1))
    decoupled = after_ten_steps(lambda p: lesson.AdamW(p, lr=0.05, weight_decay=0.1))
    assert (coupled - decoupled).abs().max() > 1e-3
