"""Real encoders and decoders, through PyAV: HEVC (libx265), AVC (libx264) and AV1 (SVT-AV1), every picture intra.

Pictures are luma, a tensor (N, H, W) uint8, or `YCbCr420`. Each is coded by itself at one exact QP, with the
psycho-visual tricks off, so that PSNR is what the encoder works for. Encoding uses one thread and repeats byte for
byte; several calls may run in threads beside each other.

    >>> from course_utils.data import codec_pictures
    >>> pictures = codec_pictures.training()[:2]
    >>> stream = x265(pictures, 32)  # deblocking and SAO on; `deblock=False, sao=False` codes without
    >>> decode(stream).shape
    torch.Size([2, 128, 128])
    >>> len(stream.picture_bits), stream.picture_qps  # slice data alone
    (2, (32.0, 32.0))

In all-intra HEVC, prediction uses pixels before the loop filter. So a filter after the decoder of a stream without
loop filters is exactly a filter in the loop.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from threading import Lock
from typing import Literal

import av
import numpy as np
import torch
from torch import Tensor

from course_utils.codec import blocks
from course_utils.codec.colour import YCbCr420
from course_utils.errors import CourseError

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 reads it when it starts: errors alone, no banner

QP_RANGES = {"libx265": (0, 51), "libx264": (1, 51), "libsvtav1": (1, 63)}  # AVC's 0 is lossless, another codec
DECODERS = {"libx265": "hevc", "libx264": "h264", "libsvtav1": "libdav1d"}
SMALLEST_SIDE = {"libx265": 16, "libx264": 1, "libsvtav1": 4}  # pixels: measured; smaller ones they refuse
LARGEST_SIDE = 8192  # pixels: level 6.2 of HEVC and AVC, and more memory than a notebook should take

# `ipratio=1` is what makes the QP exact: x265 codes intra pictures 3 QP finer by default. `hash=1` adds an MD5 of each
# decoded picture, which the decoder compares; it lies outside the slices, so it costs no bit that is counted.
X265_PARAMETERS = (
    "keyint=1:min-keyint=1:scenecut=0:bframes=0:ipratio=1:pbratio=1:aq-mode=0:cutree=0:psy-rd=0:psy-rdoq=0:"
    "info=0:hash=1:repeat-headers=1:wpp=0:frame-threads=1:pools=none:log-level=none"
)
X264_PARAMETERS = "keyint=1:min-keyint=1:scenecut=0:bframes=0:ipratio=1:aq-mode=0:mbtree=0:psy=0:threads=1"
SVT_AV1_PARAMETERS = "keyint=1:aq-mode=0:enable-variance-boost=0:tune=1:lp=1"

_one_log = Lock()

LAMBDA_PER_QP = 118  # libavutil's FF_QP2LAMBDA, in which an encoder reports its QP


@dataclass(frozen=True)
class Stream:
    """Coded pictures.

    encoder: "libx265", "libx264" or "libsvtav1"
    packets: the bytes of each picture, parameter sets among them; `data` is the whole stream (Annex B, or AV1's OBUs)
    picture_bits: bits of slice data (HEVC, AVC) or of frame and tile OBUs (AV1) of each picture: no start codes, no
        parameter sets, no messages
    picture_qps: the QP of each picture as the encoder reports it; None for SVT-AV1, whose report has another scale
    sides: height and width of the pictures
    colour: whether it holds `YCbCr420`, else luma alone
    """

    encoder: str
    packets: tuple[bytes, ...]
    picture_bits: tuple[int, ...]
    picture_qps: tuple[float, ...] | None
    sides: tuple[int, int]
    colour: bool

    @property
    def data(self) -> bytes:
        return b"".join(self.packets)

    @property
    def bits(self) -> int:
        """Sum of `picture_bits`."""
        return sum(self.picture_bits)


# --- encoders


def x265(
    pictures: Tensor | YCbCr420,
    qp: int,
    *,
    deblock: bool = True,
    sao: bool = True,
    preset: str = "slow",
    options: str = "",
) -> Stream:
    """HEVC, all intra, by libx265 at exactly `qp` (0 to 51).

    options: more x265 parameters, "name=value:name=value", for instance "ctu=16:max-tu-size=8". Luma is coded as 4:0:0,
    so that every bit is a luma bit. Raises `CourseError` for pictures that are not 8 bits, for sides that 4:2:0 cannot
    have (odd) or x265 cannot code, for a QP out of range, for an unknown option, and where PyAV has no libx265.
    """
    filters = ("" if deblock else ":no-deblock=1") + ("" if sao else ":no-sao=1")
    _valid_qp("libx265", qp)
    parameters = f"qp={qp}:{X265_PARAMETERS}{filters}" + (f":{options}" if options else "")
    return _encode("libx265", pictures, {"preset": preset, "x265-params": parameters})


def x264(pictures: Tensor | YCbCr420, qp: int, *, deblock: bool = True, preset: str = "slow") -> Stream:
    """AVC, all intra, by libx264 at exactly `qp` (1 to 51). Luma is coded as 4:0:0. Errors as in `x265`."""
    _valid_qp("libx264", qp)
    parameters = f"qp={qp}:{X264_PARAMETERS}" + ("" if deblock else ":no-deblock=1")
    return _encode("libx264", pictures, {"preset": preset, "qp": str(qp), "x264-params": parameters})


def svt_av1(pictures: Tensor | YCbCr420, qp: int, *, preset: int = 4) -> Stream:
    """AV1, all key frames, by SVT-AV1 with `qp` 1 to 63, which is another scale: 4·qp is about AV1's qindex.

    SVT-AV1 codes 4:2:0 only: luma gets neutral chroma, which costs a few bits that are counted. An odd side gets one
    more row or column, a copy of the last, which `decode` takes off again. Its loop filters (deblocking, CDEF, loop
    restoration) are on. Errors as in `x265`.
    """
    _valid_qp("libsvtav1", qp)
    options = {"preset": str(preset), "svtav1-params": f"qp={qp}:rc=0:{SVT_AV1_PARAMETERS}"}
    return _encode("libsvtav1", pictures, options)


def _encode(encoder: str, pictures: Tensor | YCbCr420, options: dict[str, str]) -> Stream:
    colour = isinstance(pictures, YCbCr420)
    planes: tuple[Tensor, ...] = pictures if isinstance(pictures, YCbCr420) else (pictures,)
    sides = _valid_sides(encoder, planes)
    if encoder == "libsvtav1" and not colour:
        even = blocks.pad(planes[0], 2)
        neutral = torch.full((len(even), even.shape[1] // 2, even.shape[2] // 2), 128, dtype=torch.uint8)
        planes = (even, neutral, neutral)
    height, width = planes[0].shape[-2:]
    context = _open(encoder, "w")
    pixel_format = "gray" if len(planes) == 1 else "yuv420p"
    context.width, context.height, context.pix_fmt = width, height, pixel_format
    context.time_base = Fraction(1, 25)
    context.thread_count = 1
    context.options = options
    complaints = _start(context)
    if complaints:
        asked = next(value for name, value in options.items() if name.endswith("params"))
        raise CourseError(f"{encoder} cannot code {width}×{height} pictures with {asked}: {complaints}")
    frames = [*_frames(planes, pixel_format), None]  # None asks for what is still inside
    packets = [packet for frame in frames for packet in context.encode(frame) if packet.size]
    if len(packets) != len(planes[0]):
        raise CourseError(f"{encoder} made {len(packets)} packets of {len(planes[0])} pictures")
    contents = tuple(bytes(packet) for packet in packets)
    count = _av1_bits if encoder == "libsvtav1" else _slice_bits
    return Stream(
        encoder=encoder,
        packets=contents,
        picture_bits=tuple(count(content, encoder) for content in contents),
        picture_qps=None if encoder == "libsvtav1" else tuple(map(_reported_qp, packets)),
        sides=sides,
        colour=colour,
    )


def _start(context: av.CodecContext) -> str:
    """Open the encoder. Returns what it complains of, "" if of nothing.

    An unknown option is but a warning in libav's log, and the encoder would go on without it. The log's level belongs
    to the whole process, so one encoder opens at a time; what follows may run in threads.
    """
    with _one_log:
        level = av.logging.get_level()
        av.logging.set_level(av.logging.WARNING)
        try:
            with av.logging.Capture() as log:
                context.open()
        except (av.FFmpegError, ValueError) as error:
            return next((text.strip() for _, _, text in log if text.strip()), str(error))
        finally:
            av.logging.set_level(level)
    return " ".join(text.strip() for _, _, text in log)


def _frames(planes: tuple[Tensor, ...], pixel_format: str) -> Iterator[av.VideoFrame]:
    """One frame per picture, its planes filled row by row, since libav pads a row to its own length."""
    height, width = planes[0].shape[-2:]
    arrays = [plane.cpu().numpy() for plane in planes]
    for index in range(len(planes[0])):
        frame = av.VideoFrame(width, height, pixel_format)
        for plane, array in zip(frame.planes, arrays, strict=True):
            rows = np.zeros((plane.height, plane.line_size), dtype=np.uint8)
            rows[:, : array.shape[-1]] = array[index]
            plane.update(rows.tobytes())
        frame.pts = index
        yield frame


def _reported_qp(packet: "av.Packet[av.VideoStream]") -> float:
    """The QP in the packet's quality statistics (AV_PKT_DATA_QUALITY_STATS), which the encoder itself wrote."""
    quality = struct.unpack_from("<I", bytes(packet.get_sidedata("quality_stats")))[0]
    return quality / LAMBDA_PER_QP


# --- decoders


def decode(
    stream: Stream | bytes, *, loop_filter: bool = True, device: torch.device | str = "cpu"
) -> Tensor | YCbCr420:
    """The pictures of a stream: (N, H, W) uint8, or `YCbCr420` where it holds colour.

    stream: a `Stream`, or the bytes of an HEVC stream as `x265` makes it
    loop_filter: False leaves out deblocking and SAO, although the stream asks for them; HEVC and AVC only

    Each HEVC picture is compared with the MD5 that travels with it. Raises `CourseError` for a stream that is cut
    short, damaged, without such hashes, or of another bit depth than 8.
    """
    encoder = stream.encoder if isinstance(stream, Stream) else "libx265"
    data = stream.data if isinstance(stream, Stream) else bytes(stream)
    hevc = encoder == "libx265"
    if encoder == "libsvtav1" and not loop_filter:
        raise CourseError("AV1 cannot be decoded without its loop filters: libdav1d always applies them")
    if hevc:
        _require_hashes(data)
    frames = _decoded(encoder, data, options={"err_detect": "crccheck+explode"} if hevc else {"err_detect": "explode"})
    if not loop_filter:  # only now: the hashes are those of the filtered pictures
        frames = _decoded(encoder, data, options={"skip_loop_filter": "all"})
    if isinstance(stream, Stream) and len(frames) != len(stream.packets):
        raise CourseError(f"{len(frames)} of {len(stream.packets)} pictures could be decoded: the stream is damaged")
    planes = [[_plane(frame, index) for frame in frames] for index in range(len(frames[0].planes))]
    stacked = [torch.from_numpy(np.stack(plane)).to(device) for plane in planes]
    colour = stream.colour if isinstance(stream, Stream) else len(stacked) == 3
    if isinstance(stream, Stream) and not colour:
        height, width = stream.sides
        return stacked[0][:, :height, :width].contiguous()  # less the row or column that made the sides of AV1 even
    return YCbCr420(*stacked) if colour else stacked[0]


def _decoded(encoder: str, data: bytes, *, options: dict[str, str]) -> list[av.VideoFrame]:
    context = _open(DECODERS[encoder], "r")
    context.thread_count = 1
    context.options = options
    frames = []
    try:
        for packet in [*context.parse(data), *context.parse(None)]:
            frames += context.decode(packet)
        frames += context.decode(None)
    except av.FFmpegError as error:
        raise CourseError(
            f"the stream is damaged or cut short after {len(frames)} pictures ({error.strerror})"
        ) from None
    if not frames:
        raise CourseError("the stream holds no picture: it is empty, cut short, or of another codec")
    if frames[0].format.name not in ("gray", "yuv420p"):
        raise CourseError(f"the stream holds {frames[0].format.name} pictures: 8-bit luma or 4:2:0 is expected")
    return frames


def _plane(frame: av.VideoFrame, index: int) -> np.ndarray:
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


# --- what a stream is made of


def _nal_units(data: bytes) -> list[bytes]:
    """The network abstraction layer units of an Annex B byte stream, without start codes (H.265 annex B.2)."""
    # No unit ends in a zero byte, so the zeros before a start code belong to neither side.
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]


def _slice_bits(data: bytes, encoder: str) -> int:
    """Bits of the NAL units that hold slices: types 0 to 31 of HEVC (table 7-1), 1 to 5 of AVC (H.264 table 7-1)."""
    if encoder == "libx265":
        return 8 * sum(len(unit) for unit in _nal_units(data) if unit and unit[0] >> 1 & 63 < 32)
    return 8 * sum(len(unit) for unit in _nal_units(data) if unit and 1 <= unit[0] & 31 <= 5)


def _require_hashes(data: bytes) -> None:
    """Raise `CourseError` unless every picture is followed by its hash, which is the last thing a cut takes away."""
    types = [unit[0] >> 1 & 63 for unit in _nal_units(data) if unit]
    first_slices = sum(1 for unit in _nal_units(data) if len(unit) > 2 and unit[0] >> 1 & 63 < 32 and unit[2] & 128)
    hashes = types.count(40)  # SUFFIX_SEI_NUT, where x265 puts the decoded picture hash (annex D.3.19)
    if not types or hashes != first_slices or types[-1] != 40:
        raise CourseError(
            f"the stream is cut short, or was not made by encoders.x265: {first_slices} pictures, {hashes} hashes"
        )


def _av1_bits(data: bytes, encoder: str) -> int:
    """Bits of frame headers, tile groups and frames, headers of the OBUs included (AV1 §5.3, §6.2.2)."""
    total, place = 0, 0
    while place < len(data):
        kind, start = data[place] >> 3 & 15, place
        place += 2 if data[place] & 4 else 1  # obu_extension_flag
        size, shift = 0, 0
        while True:  # leb128
            size |= (data[place] & 127) << shift
            shift += 7
            place += 1
            if not data[place - 1] & 128:
                break
        place += size
        if kind in (3, 4, 6):
            total += 8 * (place - start)
    return total


# --- what is asked for, and what PyAV has


def missing_codecs() -> list[str]:
    """The encoders and decoders of this module that the installed PyAV lacks."""
    modes: dict[str, Literal["r", "w"]] = {**dict.fromkeys(DECODERS, "w"), **dict.fromkeys(DECODERS.values(), "r")}
    missing = []
    for name, mode in modes.items():
        try:
            _open(name, mode)
        except CourseError:
            missing.append(name)
    return missing


def _open(name: str, mode: Literal["r", "w"]) -> av.VideoCodecContext:
    try:
        context = av.CodecContext.create(name, mode)
    except av.codec.codec.UnknownCodecError:
        raise CourseError(
            f"PyAV {av.__version__} has no {name}: install its wheel with `pip install --force-reinstall av`"
        ) from None
    assert isinstance(context, av.VideoCodecContext)  # none of this module's codecs codes sound
    return context


def _valid_qp(encoder: str, qp: int) -> None:
    low, high = QP_RANGES[encoder]
    if isinstance(qp, bool) or not isinstance(qp, int) or not low <= qp <= high:
        raise CourseError(f"{encoder} takes a whole QP from {low} to {high}, not {qp!r}")


def _valid_sides(encoder: str, planes: tuple[Tensor, ...]) -> tuple[int, int]:
    """Height and width. Raises `CourseError` for anything that the encoder would refuse, crop or misread."""
    luma = planes[0]
    if any(plane.dtype != torch.uint8 or plane.ndim != 3 for plane in planes):
        given = ", ".join(f"{tuple(plane.shape)} {str(plane.dtype).removeprefix('torch.')}" for plane in planes)
        raise CourseError(f"pictures are (N, H, W) uint8, 8 bits a pixel, not {given}")
    count, height, width = luma.shape
    if not count:
        raise CourseError("there is no picture to encode")
    if len(planes) == 3 and (height % 2 or width % 2):
        raise CourseError(f"4:2:0 needs even sides, not {width}×{height}: pad it (blocks.pad) or code its luma")
    if len(planes) == 3 and any(plane.shape != (count, height // 2, width // 2) for plane in planes[1:]):
        raise CourseError(f"chroma of {width}×{height} pictures is half of each side, not {tuple(planes[1].shape)}")
    smallest = SMALLEST_SIDE[encoder]
    if min(height, width) < smallest or max(height, width) > LARGEST_SIDE:
        raise CourseError(
            f"{encoder} codes sides of {smallest} to {LARGEST_SIDE} pixels, not {width}×{height}"
            + (": pad the picture (blocks.pad)" if min(height, width) < smallest else "")
        )
    return height, width
