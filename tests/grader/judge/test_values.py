"""course_tools.grader.judge.values: what may travel between judge and student, and what is refused."""

import base64
import contextlib
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_tools.grader.judge import values
from course_tools.grader.judge.values import BadValue, Handle, decode, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def travelled(value):
    """`value` after the way through JSON."""
    return decode(json.loads(json.dumps(encode(value))))


@given(plain)
def test_plain_values_arrive_as_they_left(value):
    back = travelled(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", values.DTYPES.values())
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)])
def test_tensors_arrive_with_their_type_shape_and_numbers(dtype, shape):
    tensor = (torch.arange(math.prod(shape)).reshape(shape) + 1).to(dtype)
    back = travelled(tensor)
    assert back.dtype == dtype and back.shape == tensor.shape and torch.equal(back, tensor)


def test_a_transposed_tensor_and_one_with_a_gradient_arrive_whole():
    tensor = torch.arange(6.0).reshape(2, 3).t().requires_grad_()
    assert torch.equal(travelled(tensor), tensor.detach())


def test_one_column_of_a_table_with_one_row_arrives():
    table = torch.tensor([[5, 6, 7, 8]])
    assert torch.equal(travelled(table[:, 2]), torch.tensor([7]))


def test_numbers_that_json_does_not_know_arrive():
    assert math.isnan(travelled(float("nan"))) and travelled(-math.inf) == -math.inf


def test_numpy_arrives_as_tensor_and_number():
    assert torch.equal(travelled(np.arange(3)), torch.arange(3)) and travelled(np.float64(0.5)) == 0.5


def test_a_handle_arrives():
    assert travelled([Handle(3, "Block")]) == [Handle(3, "Block")]


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 0, torch.nn.ReLU(), 1j, b"bytes"])
def test_anything_else_is_refused_at_the_start(value):
    with pytest.raises(BadValue, match="neither a tensor nor a plain value"):
        encode(value)


def deep(depth):
    return [deep(depth - 1)] if depth else []


def test_what_is_too_deep_is_refused_on_both_sides():
    with pytest.raises(BadValue, match="deep"):
        encode(deep(values.MOST_DEPTH + 1))
    nested = []
    for _ in range(values.MOST_DEPTH + 2):
        nested = {"list": [nested]}
    with pytest.raises(BadValue, match="deep"):
        decode(nested)


def tensor(**changes):
    return {"tensor": {"dtype": "float32", "shape": [2], "data": base64.b64encode(bytes(8)).decode(), **changes}}


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"pickle": "gASVDwAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOULg=="},
        {"list": 3},
        {"list": [1], "tuple": [2]},
        {"dict": [[1]]},
        {"dict": [[{"list": []}, 1]]},
        {"float": "one"},
        {"handle": ["a", "b"]},
        {"handle": [1]},
        {"list": [0] * (values.MOST_ITEMS + 1)},
        tensor(dtype="object"),
        tensor(dtype=["float32"]),
        tensor(shape=[-1, -2]),
        tensor(shape=[True]),
        tensor(shape="2"),
        tensor(shape=[2**40, 2**40]),
        tensor(shape=[0, 2**70], data=""),
        tensor(shape=[0, 2**62, 2**62], data=""),
        tensor(data="no base64!"),
        tensor(data=""),
        tensor(shape=[3]),
        {"tensor": {"dtype": "float32"}},
    ],
)
def test_malformed_and_oversized_messages_are_refused(message):
    with pytest.raises(BadValue):
        decode(message)


words = st.sampled_from(["tensor", "dtype", "shape", "data", "list", "tuple", "dict", "float", "handle", "float32", ""])
forged = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words, inner, max_size=2)
        | st.fixed_dictionaries({"tensor": st.fixed_dictionaries(dict.fromkeys(("dtype", "shape", "data"), inner))})
    ),
    max_leaves=12,
)


@given(forged)
def test_whatever_arrives_is_a_value_or_is_refused(message):
    with contextlib.suppress(BadValue):
        decode(message)
