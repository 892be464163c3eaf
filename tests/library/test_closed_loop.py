"""The closed loop: encoder and decoder hold the same picture and the same weights, and what they do with bad input."""

import math
from dataclasses import replace

import pytest
import torch

from course_utils.codec import closed_loop, online_filter
from course_utils.codec.online_filter import ALWAYS, CONTROLLED, LEARN_OR_FILTER, ONLINE, OnlineFilter, PredictionNet
from course_utils.data import codec_pictures
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return codec_pictures.training()[0, :64, :96]


@pytest.fixture
def net() -> PredictionNet:
    torch.manual_seed(0)
    return PredictionNet(width=4, depth=1)


def coded_twice(picture: torch.Tensor, qp: int, at_encoder: OnlineFilter, at_decoder: OnlineFilter):
    coded = closed_loop.encode(picture, qp, filter=at_encoder)
    return coded, closed_loop.decode(coded.modes, coded.levels, qp, filter=at_decoder)


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_the_decoder_rebuilds_the_encoders_picture_without_a_filter(picture, size):
    coded = closed_loop.encode(picture, 32, size=size)
    assert torch.equal(closed_loop.decode(coded.modes, coded.levels, 32), coded.decoded)
    assert torch.equal(coded.filtered, coded.predicted)


@pytest.mark.parametrize("policy", [ALWAYS, CONTROLLED, ONLINE, LEARN_OR_FILTER, replace(ONLINE, exact=True)], ids=str)
def test_encoder_and_decoder_end_with_the_same_picture_and_the_same_weights(picture, net, policy):
    encoder, decoder = OnlineFilter(net, policy), OnlineFilter(net, policy)
    coded, decoded = coded_twice(picture, 32, encoder, decoder)
    assert torch.equal(decoded, coded.decoded)
    weights = [online_filter.fingerprint(end.net.state_dict()) for end in (encoder, decoder)]
    assert weights[0] == weights[1]
    assert (weights[0] != online_filter.fingerprint(net.state_dict())) == (policy.learning_rate > 0 or policy.exact)


def test_a_decoder_that_does_not_learn_loses_the_encoders_picture(picture, net):
    learns = replace(ALWAYS, learning_rate=0.1)
    coded, decoded = coded_twice(picture, 32, OnlineFilter(net, learns), OnlineFilter(net, ALWAYS))
    assert not torch.equal(decoded, coded.decoded)


def test_a_second_picture_begins_from_the_first_weights(picture, net):
    once, again = OnlineFilter(net, ONLINE), OnlineFilter(net, ONLINE)
    closed_loop.encode(picture.flip(0), 27, filter=again)
    first, second = (closed_loop.encode(picture, 32, filter=online) for online in (once, again))
    assert torch.equal(first.levels, second.levels) and torch.equal(first.decoded, second.decoded)


def test_the_gate_closes_on_a_filter_that_does_harm_but_for_the_control_group(picture, net):
    with torch.no_grad():
        net.body[-1].bias.fill_(3.0)  # three standard deviations brighter: wrong everywhere
    filter = OnlineFilter(net, CONTROLLED)
    coded = closed_loop.encode(picture, 32, filter=filter)
    assert not filter.open and filter.balance > 0
    assert filter.used == filter.seen / 8  # the first block belongs to the control group: from there on, closed
    harmed = closed_loop.encode(picture, 32, filter=OnlineFilter(net, ALWAYS))
    assert closed_loop.bits(coded) < closed_loop.bits(harmed)


@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")  # torch says so as it puts its flags back
def test_exact_arithmetic_is_in_step_though_the_two_ends_add_in_another_order(picture, net):
    policy = replace(ONLINE, exact=True)
    encoder, decoder = OnlineFilter(net, policy), OnlineFilter(net, policy)
    coded = closed_loop.encode(picture, 32, filter=encoder)
    with torch.backends.mkldnn.flags(enabled=False):
        decoded = closed_loop.decode(coded.modes, coded.levels, 32, filter=decoder)
    assert torch.equal(decoded, coded.decoded)
    assert online_filter.fingerprint(encoder.net.state_dict()) == online_filter.fingerprint(decoder.net.state_dict())


def test_surroundings_are_decoded_pixels_above_and_left_and_the_prediction_below():
    canvas = torch.arange(256).view(16, 16)
    prediction = torch.full((2, 8, 8), 7)
    pixels, inside = online_filter.surroundings(canvas, torch.tensor([[0, 1], [1, 1]]), prediction)
    assert pixels.shape == (2, 12, 12) and inside.dtype == torch.bool
    assert not inside[0, :4].any() and not pixels[0, :4].any()  # above the picture
    assert torch.equal(pixels[0, 4:, :4], canvas[:8, 4:8])
    assert torch.equal(pixels[1, :4], canvas[4:8, 4:16])
    assert torch.equal(pixels[:, 4:, 4:], prediction) and inside[1].all()


def test_a_fingerprint_sees_names_and_the_last_bit_of_a_weight():
    one = {"a": torch.ones(2), "b": torch.zeros(2)}
    assert online_filter.fingerprint(one) == online_filter.fingerprint(dict(reversed(one.items())))
    assert online_filter.fingerprint(one) != online_filter.fingerprint({"b": torch.ones(2), "a": torch.zeros(2)})
    nudged = torch.tensor([1.0, math.nextafter(1.0, 2.0)], dtype=torch.float64)
    assert online_filter.fingerprint({"a": nudged}) != online_filter.fingerprint({"a": torch.ones(2).double()})


def test_the_shipped_network_lowers_satd_on_a_crop_it_was_not_trained_on():
    crop = codec_pictures.training()[200]
    plain = closed_loop.encode(crop, 32)
    better = closed_loop.encode(crop, 32, filter=OnlineFilter(online_filter.shipped(), ALWAYS))
    assert closed_loop.bits(better) < closed_loop.bits(plain)
    assert sum(weight.numel() for weight in online_filter.shipped().parameters()) == 38_465


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (torch.zeros(60, 64, dtype=torch.uint8), "60"),
        (torch.zeros(64, 64), "uint8"),
        (torch.zeros(1, 64, 64, dtype=torch.uint8), "luma picture"),
    ],
)
def test_a_picture_that_does_not_fit_is_one_clear_line(bad, says):
    with pytest.raises(CourseError, match=says):
        closed_loop.encode(bad, 32)


def test_a_qp_out_of_range_is_one_clear_line(picture):
    with pytest.raises(CourseError, match="QP"):
        closed_loop.encode(picture, 99)
