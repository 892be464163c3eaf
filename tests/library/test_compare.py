"""course_utils.compare: how close an answer must come follows its own dtype, and a difference says where it lies."""

import math

import numpy as np
import pytest
import torch

from course_utils.compare import FLOAT32_TOLERANCE, FLOAT64_TOLERANCE, Different, describe, numbers, same


def float64(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.ones(2), torch.ones(3)),
        (torch.ones(2, 1), torch.ones(2)),
        (torch.ones(1), torch.tensor(1.0)),
        (torch.tensor([1.0, math.nan]), torch.ones(2)),
        (torch.ones(2), torch.tensor([1.0, math.nan])),
        (torch.tensor([math.inf]), torch.tensor([-math.inf])),
        (torch.tensor([math.inf]), torch.tensor([1.0])),
        (torch.zeros(2), torch.full((2,), 1e-5)),
        (torch.tensor([True, False]), torch.tensor([True, True])),
        (torch.tensor([1 + 1j]), torch.tensor([1.0])),
        (3, 4),
        (10**30, 4),
        ("3", 3),
        (None, 1.0),
        ([1.0, 2.0], torch.tensor([1.0, 2.0])),
        (np.array([None]), torch.ones(1)),
        ("no", "yes"),
        ([1, 2], [1, 2, 3]),
        (1, [1]),
        (torch.ones(2), [1, 1]),
        ({"a": 1}, {"b": 1}),
        ([["a", 1]], {"a": 1}),
        (1, True),
        (torch.tensor(True), True),
        (0, None),
    ],
)
def test_what_differs_is_different(actual, expected):
    with pytest.raises(Different):
        same(actual, expected, "it")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.tensor([math.nan, math.inf, -math.inf]), torch.tensor([math.nan, math.inf, -math.inf])),
        (torch.tensor([1, 0]), torch.tensor([True, False])),
        (torch.ones(2).requires_grad_(), torch.ones(2)),
        (torch.tensor(3), 3),
        (torch.tensor([3.0]), 3.0),
        (3.0, torch.tensor([[3]])),
        (np.float32(0.5), 0.5),
        (np.arange(3)[::-1], torch.tensor([2, 1, 0])),
        ([1, torch.ones(1)], (1, torch.ones(1))),
        ({"a": 1.0}, {"a": 1}),
        (torch.empty(0, 3), torch.empty(0, 3)),
        (None, None),
        ("yes", "yes"),
    ],
)
def test_what_is_the_same_in_another_kind_is_the_same(actual, expected):
    same(actual, expected, "it")


def off_by(error, dtype):
    return torch.tensor([0.0, 1.0 + error], dtype=torch.float64).to(dtype)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, FLOAT64_TOLERANCE), (torch.float32, FLOAT32_TOLERANCE)]
)
def test_the_tolerance_follows_the_dtype_of_the_answer(dtype, tolerance):
    for expected in (torch.tensor([0.0, 1.0]), float64(0, 1), torch.tensor([0, 1])):
        same(off_by(0.9 * tolerance, dtype), expected, "it")
        with pytest.raises(Different, match=f"{tolerance:.2g} allowed"):
            same(off_by(1.1 * tolerance, dtype), expected, "it")


def test_a_sum_that_float32_lost_eight_bits_of_passes_and_a_float64_answer_as_bad_does_not():
    terms = torch.rand(256, generator=torch.Generator().manual_seed(0))
    one_by_one = torch.zeros(())
    for term in 1000 + terms:
        one_by_one = one_by_one + term
    same(one_by_one, (1000 + terms.double()).sum(), "it")
    with pytest.raises(Different):
        same(float64(1 + FLOAT32_TOLERANCE / 2), float64(1), "it")


def test_a_tolerance_is_for_float64_and_never_asks_float32_for_more_than_it_has():
    with pytest.raises(Different):
        same(off_by(1e-8, torch.float64), float64(0, 1), "it", tolerance=1e-9)
    same(off_by(1e-5, torch.float32), float64(0, 1), "it", tolerance=1e-9)
    same(off_by(1e-3, torch.float32), float64(0, 1), "it", tolerance=1e-2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_cast_to_half_precision_buys_no_tolerance(dtype):
    with pytest.raises(Different):
        same(off_by(0, dtype) * 1.01, off_by(0.01, torch.float64), "it")


def test_tolerance_0_asks_for_equal_numbers_of_every_dtype():
    for dtype in (torch.float64, torch.float32, torch.int64):
        same(torch.tensor([3]).to(dtype), torch.tensor([3]), "it", tolerance=0)
    with pytest.raises(Different):
        same(torch.tensor([3.0]).nextafter(torch.tensor(4.0)), torch.tensor([3]), "it", tolerance=0)


def test_whole_numbers_are_compared_exactly_however_great_they_are():
    same(torch.tensor([2**53 + 1]), torch.tensor([2**53 + 1]), "it")
    with pytest.raises(Different, match="expected 9007199254740992, got 9007199254740993"):
        same(torch.tensor([2**53 + 1]), torch.tensor([2**53]), "it")


def test_an_error_counts_relative_to_the_greatest_number_expected():
    same(float64(1e6, 0.5), float64(1e6, 0), "it")
    with pytest.raises(Different):
        same(float64(1e6, 1.5), float64(1e6, 0), "it")
    same(float64(math.inf, 1e-10), float64(math.inf, 0), "infinity is no scale, and 0 has a small one")


def test_a_number_of_python_is_compared_with_all_its_digits():
    same(0.1 + 0.2, float64(0.3), "it", tolerance=1e-15)
    with pytest.raises(Different):
        same(0.3 + 1e-6, 0.3, "it")


def test_the_dtype_counts_where_the_exercise_asks_for_it():
    same(float64(1), torch.ones(1), "it")
    same([float64(1), torch.tensor([2])], [float64(1), torch.tensor([2])], "it", same_dtype=True)
    with pytest.raises(Different, match=r"^it\[0\]: expected float64, got float32$"):
        same([torch.ones(1)], [float64(1)], "it", same_dtype=True)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (torch.ones(3), torch.ones(2), "expected shape (2,), float32, got shape (3,), float32"),
        (None, float64(1, 2), "expected shape (2,), float64, got None"),
        ([1], 2.5, "expected 2.5, got a list of 1"),
        (7, 8, "expected 8, got 7"),
        (0.3 + 1e-6, 0.3, "expected 0.3, got 0.300001 (float64, 3e-10 allowed)"),
        (
            torch.zeros(2, 3),
            torch.tensor([[0.0, 1, 0], [0, 2, 0]]),
            "expected 2, got 0 at [1, 1], 2 of 6 wrong (shape (2, 3), float32, 4e-05 allowed)",
        ),
        (
            torch.tensor([5.0, math.nan]),
            torch.ones(2),
            "expected 1, got nan at [1], 2 of 2 wrong (shape (2,), float32, 2e-05 allowed)",
        ),
        (
            torch.tensor([math.inf, 3.0]),
            torch.tensor([math.inf, 1.0]),
            "expected 1, got 3 at [1], 1 of 2 wrong (shape (2,), float32, 2e-05 allowed)",
        ),
        (
            torch.tensor([True, False]),
            torch.tensor([True, True]),
            "expected True, got False at [1], 1 of 2 wrong (shape (2,), bool)",
        ),
        (1.0 + 1e-8, 1, "expected 1, got 1.00000001 (float64, 1e-09 allowed)"),
        ([1, [2, 3]], [1, [2, 4]], "expected 4, got 3"),
        ({"a": 1}, {"b": 1}, "expected the keys ['b'], got the keys ['a']"),
        ("a" * 99, None, "expected None, got 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"),
    ],
)
def test_a_difference_says_what_was_expected_what_the_answer_is_and_where(actual, expected, message):
    with pytest.raises(Different) as raised:
        same(actual, expected, "it", tolerance=1e-9)
    assert str(raised.value).partition(": ")[2] == message


def test_a_difference_inside_a_list_names_its_place():
    with pytest.raises(Different, match=r"^it\[1\]\['b'\]: expected 2, got 3$"):
        same([1, {"b": 3}], [1, {"b": 2}], "it")


def test_a_tensor_is_described_by_shape_and_dtype_or_by_its_one_number():
    described = [describe(value) for value in (torch.ones(2, 3), torch.tensor(0.1), torch.tensor(7), 2 * "a", 10**5000)]
    assert described == ["shape (2, 3), float32", "0.1", "7", "'aa'", "a whole number of more than 64 bits"]


def test_numbers_leave_their_graph_behind():
    assert not numbers(torch.ones(1).requires_grad_()).requires_grad


def test_answers_are_widened_on_the_cpu(monkeypatch):
    """Apple's GPU has no float64: a tensor must come to the CPU before it is made one."""
    where = []
    cpu, double = torch.Tensor.cpu, torch.Tensor.double
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: where.append("cpu") or cpu(self))
    monkeypatch.setattr(torch.Tensor, "double", lambda self: where.append("double") or double(self))
    same(torch.ones(2), torch.ones(2), "it")
    assert where[:2] == ["cpu", "cpu"] and "double" in where
