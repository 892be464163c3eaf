"""Real encoders: repeatable, at the exact QP, with filters that come off, and with errors in place of surprises."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import av
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.codec import blocks, colour, encoders, metrics
from course_utils.data import codec_pictures, photographs
from course_utils.errors import CourseError

ALL = (encoders.x265, encoders.x264, encoders.svt_av1)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Two pictures of 192×160, (2, 192, 160) uint8."""
    held_out = codec_pictures.held_out()
    return torch.stack([held_out[name][100:292, 100:260] for name in ("camera", "coffee")])


@pytest.mark.parametrize("encode", ALL)
def test_two_encodes_are_equal_byte_for_byte(encode, pictures):
    assert encode(pictures, 32).data == encode(pictures, 32).data


@pytest.mark.parametrize("encode", [encoders.x265, encoders.x264])
@pytest.mark.parametrize("qp", [1, 22, 37, 51])
def test_the_encoder_reports_exactly_the_qp_that_was_asked(encode, qp, pictures):
    assert encode(pictures, qp).picture_qps == (qp, qp)


def test_the_default_of_x265_codes_intra_pictures_finer_than_asked(pictures):
    assert encoders.x265(pictures, 32, options="ipratio=1.4").picture_qps == (29, 29)


@pytest.mark.parametrize("encode", ALL)
def test_a_picture_is_coded_alike_alone_and_among_others(encode, pictures):
    together, alone = encode(pictures, 32), encode(pictures[1:], 32)
    assert together.picture_bits[1] == alone.picture_bits[0]
    assert torch.equal(encoders.decode(together)[1], encoders.decode(alone)[0])


@pytest.mark.parametrize("encode", ALL)
def test_a_finer_qp_gives_more_bits_and_a_better_picture(encode, pictures):
    streams = [encode(pictures, qp) for qp in (40, 30, 20)]
    assert streams[0].bits < streams[1].bits < streams[2].bits
    quality = [metrics.psnr(encoders.decode(stream), pictures).mean().item() for stream in streams]
    assert quality[0] < quality[1] < quality[2]


def test_deblocking_taken_off_in_the_decoder_leaves_what_the_encoder_made_without_it(pictures):
    deblocked = encoders.x265(pictures, 37, sao=False)
    off = encoders.x265(pictures, 37, deblock=False, sao=False)
    assert not torch.equal(encoders.decode(deblocked), encoders.decode(off))
    assert torch.equal(encoders.decode(deblocked, loop_filter=False), encoders.decode(off))


def test_only_slices_are_counted(pictures):
    stream = encoders.x265(pictures, 32)
    # From the byte stream by hand: two pictures, each of VPS, SPS, PPS, IDR_N_LP and the hash in a suffix SEI.
    types = [unit[0] >> 1 & 63 for unit in encoders._nal_units(stream.data)]
    assert types == [32, 33, 34, 20, 40] * 2
    assert 8 * len(stream.data) - stream.bits == 8 * sum(
        len(unit) for unit in encoders._nal_units(stream.data) if unit[0] >> 1 & 63 >= 32
    ) + 8 * (3 * 10 + stream.data.count(b"\0\0\0\1"))


def test_the_hash_in_the_stream_changes_no_bit_that_is_counted(pictures):
    assert encoders.x265(pictures, 32).bits == encoders.x265(pictures, 32, options="hash=0").bits


def test_av1_bits_are_the_stream_less_its_headers(pictures):
    stream = encoders.svt_av1(pictures, 40)
    assert 0 < len(stream.data) - stream.bits / 8 < 2 * 40


@pytest.mark.parametrize("encode", ALL)
def test_colour_pictures_come_back_in_420(encode):
    rgb = photographs.load("coffee")[None, :, :96, :128]
    pictures = colour.rgb_to_420(rgb)
    decoded = encoders.decode(encode(pictures, 20))
    assert [plane.shape for plane in decoded] == [plane.shape for plane in pictures]
    assert all(metrics.psnr(a, b).item() > 35 for a, b in zip(decoded, pictures, strict=True))


@settings(max_examples=40)
@given(height=st.integers(1, 70), width=st.integers(1, 70), encode=st.sampled_from(ALL))
def test_any_size_comes_back_whole_or_is_refused(height, width, encode):
    picture = (torch.arange(height)[:, None] * 3 + torch.arange(width) * 2).to(torch.uint8)[None]
    smallest = encoders.SMALLEST_SIDE["lib" + encode.__name__.replace("_", "")]
    if min(height, width) < smallest:
        with pytest.raises(CourseError, match=rf"codes sides of {smallest} to 8192 pixels, not {width}×{height}: pad"):
            encode(picture, 20)
        return
    decoded = encoders.decode(encode(picture, 20))
    assert decoded.shape == picture.shape
    assert (decoded.int() - picture.int()).abs().float().mean() < 4


def test_a_tiny_picture_can_be_padded_and_cut_again():
    picture = torch.arange(35, dtype=torch.uint8).reshape(1, 5, 7)
    decoded = encoders.decode(encoders.x265(blocks.pad(picture, 16), 4))[:, :5, :7]
    assert (decoded.int() - picture.int()).abs().max() <= 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encoders.x265(torch.zeros(1, 64, 64, dtype=torch.int16), 32), r"uint8, 8 bits.*\(1, 64, 64\) int16"),
        (lambda: encoders.x265(torch.zeros(64, 64, dtype=torch.uint8), 32), r"pictures are \(N, H, W\) uint8"),
        (lambda: encoders.x265(torch.zeros(0, 64, 64, dtype=torch.uint8), 32), "no picture to encode"),
        (lambda: encoders.x265(torch.zeros(1, 64, 64, dtype=torch.uint8), 52), "whole QP from 0 to 51, not 52"),
        (lambda: encoders.x265(torch.zeros(1, 64, 64, dtype=torch.uint8), 31.5), "whole QP from 0 to 51, not 31.5"),
        (lambda: encoders.x264(torch.zeros(1, 64, 64, dtype=torch.uint8), 0), "whole QP from 1 to 51, not 0"),
        (lambda: encoders.svt_av1(torch.zeros(1, 64, 64, dtype=torch.uint8), 64), "whole QP from 1 to 63, not 64"),
        (lambda: encoders.x265(torch.zeros(1, 64, 64, dtype=torch.uint8), 32, options="nix=1"), "Unknown option: nix"),
        (lambda: encoders.x265(torch.zeros(1, 64, 64, dtype=torch.uint8), 32, preset="nix"), "preset.*nix"),
    ],
)
def test_bad_requests_are_a_clear_error(call, message):
    with pytest.raises(CourseError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_odd_sides_in_420_are_a_clear_error():
    pictures = colour.rgb_to_420(torch.zeros(1, 3, 65, 64, dtype=torch.uint8))
    with pytest.raises(CourseError, match=r"4:2:0 needs even sides, not 64×65: pad it"):
        encoders.x265(pictures, 32)


def test_chroma_of_another_size_is_a_clear_error():
    plane = torch.zeros(1, 64, 64, dtype=torch.uint8)
    with pytest.raises(CourseError, match="chroma of 64×64 pictures is half of each side"):
        encoders.x265(colour.YCbCr420(plane, plane, plane), 32)


# --- streams that are not what they should be


def test_a_stream_cut_short_anywhere_is_a_clear_error_or_still_holds_all_of_its_pictures(pictures):
    data = encoders.x265(pictures, 32).data
    whole = encoders.decode(data)
    for end in [*range(0, len(data), 101), len(data) - 200, len(data) - 40, len(data) - 1]:
        try:
            decoded = encoders.decode(data[:end])
        except CourseError as error:
            assert "cut short" in str(error)
        else:
            assert end > len(data) - 25 and torch.equal(decoded, whole)  # the last picture's hash alone was cut


def test_a_damaged_stream_is_a_clear_error_or_decodes_to_the_same_pictures(pictures):
    data = encoders.x265(pictures, 32).data
    whole = encoders.decode(data)
    unnoticed = 0
    for place in range(3, len(data), 53):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        try:
            unnoticed += not torch.equal(encoders.decode(bytes(damaged)), whole)
        except CourseError as error:
            assert "\n" not in str(error)
    assert unnoticed == 0


@pytest.mark.parametrize("data", [b"", b"not a stream", bytes(1000)])
def test_something_else_than_a_stream_is_a_clear_error(data):
    with pytest.raises(CourseError, match="the stream is cut short, or was not made by"):
        encoders.decode(data)


def test_a_stream_that_lacks_a_picture_is_a_clear_error(pictures):
    stream = encoders.x264(pictures, 32)
    with pytest.raises(CourseError, match="1 of 2 pictures could be decoded: the stream is damaged"):
        encoders.decode(replace(stream, packets=(stream.packets[0], b"")))
    with pytest.raises(CourseError, match="the stream holds no picture: it is empty, cut short"):
        encoders.decode(replace(stream, packets=(b"", b"")))


def test_an_option_that_leaves_pictures_out_is_a_clear_error(pictures):
    with pytest.raises(CourseError, match="libx265 made 1 packets of 2 pictures"):
        encoders.x265(pictures, 32, options="chunk-end=1")


def test_a_stream_of_ten_bits_is_a_clear_error():
    context = av.CodecContext.create("libx265", "w")
    context.width = context.height = 64
    context.pix_fmt, context.time_base = "gray10le", Fraction(1, 25)
    context.options = {"x265-params": "hash=1:keyint=1:log-level=none"}
    frame = av.VideoFrame(64, 64, "gray10le")
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    with pytest.raises(CourseError, match="holds gray10le pictures: 8-bit luma or 4:2:0 is expected"):
        encoders.decode(data)


def test_av1_without_its_loop_filters_is_a_clear_error(pictures):
    with pytest.raises(CourseError, match="AV1 cannot be decoded without its loop filters"):
        encoders.decode(encoders.svt_av1(pictures, 40), loop_filter=False)


def test_a_codec_that_pyav_lacks_is_a_clear_error_and_the_doctor_hears_of_it(pictures, monkeypatch):
    create = av.CodecContext.create

    def without_x265(name: str, mode: str) -> av.CodecContext:
        return create("no such codec" if name == "libx265" else name, mode)

    lacking = SimpleNamespace(create=without_x265)  # the class itself may be compiled, and then cannot be changed
    monkeypatch.setattr(encoders.av, "CodecContext", lacking)
    assert encoders.missing_codecs() == ["libx265"]
    with pytest.raises(CourseError, match=r"PyAV [\d.]+ has no libx265: install its wheel"):
        encoders.x265(pictures, 32)
