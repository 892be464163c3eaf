"""The 35 intra modes: against the standard's formulas written pixel by pixel, and against what real streams hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.codec import blocks, encoders, intra
from course_utils.data import codec_pictures
from course_utils.errors import CourseError

ANGLE = {  # table 8-5, written out
    **dict(zip(range(2, 18), [32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26], strict=True)),
    **dict(zip(range(18, 35), [-32, -26, -21, -17, -13, -9, -5, -2, 0, 2, 5, 9, 13, 17, 21, 26, 32], strict=True)),
}
INVERSE = dict(  # table 8-6
    zip(
        range(11, 26),
        [-4096, -1638, -910, -630, -482, -390, -315, -256, -315, -390, -482, -630, -910, -1638, -4096],
        strict=True,
    )
)


class Standard:
    """§8.4.4.2.3 to 8.4.4.2.6 as they are printed: p[x, y] with x to the right, y down, the block's corner at 0, 0."""

    def __init__(self, samples: list[int], *, strong: bool) -> None:
        self.n = n = (len(samples) - 1) // 4
        self.p = {(-1, 2 * n - 1 - i): samples[i] for i in range(2 * n)}
        self.p |= {(i - 2 * n - 1, -1): samples[i] for i in range(2 * n, 4 * n + 1)}
        self.strong = strong

    def filtered(self, mode: int) -> dict[tuple[int, int], int]:
        n, p = self.n, self.p
        threshold = {4: 10, 8: 7, 16: 1, 32: 0}[n]
        if mode == 1 or n == 4 or min(abs(mode - 26), abs(mode - 10)) <= threshold:
            return p
        last = 2 * n - 1
        out = {(-1, last): p[-1, last], (last, -1): p[last, -1]}
        straight = all(
            abs(p[-1, -1] + p[end] - 2 * p[middle]) < 8
            for end, middle in (((last, -1), (n - 1, -1)), ((-1, last), (-1, n - 1)))
        )
        if self.strong and n == 32 and straight:
            out[-1, -1] = p[-1, -1]
            for i in range(63):
                out[-1, i] = ((63 - i) * p[-1, -1] + (i + 1) * p[-1, 63] + 32) >> 6
                out[i, -1] = ((63 - i) * p[-1, -1] + (i + 1) * p[63, -1] + 32) >> 6
            return out
        out[-1, -1] = (p[-1, 0] + 2 * p[-1, -1] + p[0, -1] + 2) >> 2
        for i in range(last):
            out[-1, i] = (p[-1, i + 1] + 2 * p[-1, i] + p[-1, i - 1] + 2) >> 2
            out[i, -1] = (p[i - 1, -1] + 2 * p[i, -1] + p[i + 1, -1] + 2) >> 2
        return out

    def predict(self, mode: int) -> list[list[int]]:
        n, p = self.n, self.filtered(mode)
        log2 = n.bit_length() - 1
        area = [(x, y) for y in range(n) for x in range(n)]
        if mode == 0:
            out = {
                (x, y): ((n - 1 - x) * p[-1, y] + (x + 1) * p[n, -1] + (n - 1 - y) * p[x, -1] + (y + 1) * p[-1, n] + n)
                >> (log2 + 1)
                for x, y in area
            }
        elif mode == 1:
            mean = (sum(p[i, -1] + p[-1, i] for i in range(n)) + n) >> (log2 + 1)
            out = dict.fromkeys(area, mean)
            if n < 32:
                out[0, 0] = (p[-1, 0] + 2 * mean + p[0, -1] + 2) >> 2
                for i in range(1, n):
                    out[i, 0] = (p[i, -1] + 3 * mean + 2) >> 2
                    out[0, i] = (p[-1, i] + 3 * mean + 2) >> 2
        else:
            out = self.angular(mode, p)
        return [[out[x, y] for x in range(n)] for y in range(n)]

    def angular(self, mode: int, p: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        n, angle, vertical = self.n, ANGLE[mode], mode >= 18
        ref = {x: p[-1 + x, -1] if vertical else p[-1, -1 + x] for x in range(2 * n + 1)}
        if (n * angle) >> 5 < -1:
            for x in range((n * angle) >> 5, 0):
                other = -1 + ((x * INVERSE[mode] + 128) >> 8)
                ref[x] = p[-1, other] if vertical else p[other, -1]
        out = {}
        for x, y in [(x, y) for y in range(n) for x in range(n)]:
            line, along = (y, x) if vertical else (x, y)
            index, fact = ((line + 1) * angle) >> 5, ((line + 1) * angle) & 31
            near = ref[along + index + 1]
            out[x, y] = ((32 - fact) * near + fact * ref[along + index + 2] + 16) >> 5 if fact else near
        if mode == 26 and n < 32:
            for y in range(n):
                out[0, y] = min(max(p[0, -1] + ((p[-1, y] - p[-1, -1]) >> 1), 0), 255)
        if mode == 10 and n < 32:
            for x in range(n):
                out[x, 0] = min(max(p[-1, 0] + ((p[x, -1] - p[-1, -1]) >> 1), 0), 255)
        return out


def random_samples(size: int, seed: int, *, smooth: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if smooth:
        return 100 + torch.randint(0, 4, (4 * size + 1,), generator=generator)
    return torch.randint(0, 256, (4 * size + 1,), generator=generator)


@pytest.mark.parametrize("size", intra.SIZES)
@pytest.mark.parametrize("smooth", [False, True])
def test_all_modes_are_the_standards_formulas(size, smooth):
    samples = random_samples(size, seed=size, smooth=smooth)
    predictions = intra.predict_all(samples, strong_smoothing=True)
    standard = Standard(samples.tolist(), strong=True)
    for mode in range(intra.MODES):
        assert predictions[mode].tolist() == standard.predict(mode), mode


@pytest.mark.parametrize("size", intra.SIZES)
def test_one_mode_alone_is_the_same_as_among_all(size):
    samples = torch.stack([random_samples(size, seed, smooth=seed == 2) for seed in range(3)])[None]  # (1, 3, 4n + 1)
    together = intra.predict_all(samples, strong_smoothing=True)
    assert together.shape == (1, 3, 35, size, size)
    for mode in range(intra.MODES):
        assert torch.equal(intra.predict(samples, mode, strong_smoothing=True), together[:, :, mode])


@settings(max_examples=50)
@given(data=st.data())
def test_missing_samples_are_filled_as_the_standard_walks(data):
    available = data.draw(st.lists(st.booleans(), min_size=17, max_size=17))
    samples = list(range(50, 67))
    if any(available):
        expected, latest = [], next(value for value, there in zip(samples, available, strict=True) if there)
        for value, there in zip(samples, available, strict=True):
            latest = value if there else latest
            expected.append(latest)
    else:
        expected = [128] * 17
    assert intra.substitute(torch.tensor(samples), torch.tensor(available)).tolist() == expected


def test_the_coding_order_is_a_z_in_each_ctu():
    assert intra.coding_order(2, 4, 2).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]
    assert intra.coding_order(2, 3, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert intra.coding_order(4, 4, 4)[3].tolist() == [10, 11, 14, 15]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (4, 2)])
def test_wavefronts_bring_every_block_once_and_after_its_neighbours(rows, columns):
    step = {}
    for index, front in enumerate(intra.wavefronts(rows, columns)):
        for row, column in front.tolist():
            assert (row, column) not in step
            step[row, column] = index
    assert len(step) == rows * columns
    for row, column in step:
        for neighbour in ((row, column - 1), (row - 1, column - 1), (row - 1, column), (row - 1, column + 1)):
            assert step.get(neighbour, -1) < step[row, column]


def test_reference_samples_come_from_blocks_that_are_coded_before():
    picture = torch.arange(16 * 16).reshape(16, 16)
    samples = intra.references(picture, 4, ctu=8, at=torch.tensor([[0, 0], [1, 0], [1, 1], [2, 2]]))
    assert samples[0].tolist() == [128] * 17  # nothing is coded before the first block
    # Block (1, 0): above and above right are coded; left is outside, so it repeats the first sample above.
    assert samples[1].tolist() == [picture[3, 0].item()] * 9 + picture[3, :8].tolist()
    # Block (1, 1): above right (0, 2) is in the next CTU, below left (2, 0) too.
    left, corner, above = picture[4:8, 3].flip(0).tolist(), picture[3, 3].item(), picture[3, 4:8].tolist()
    assert samples[2].tolist() == [left[0]] * 4 + left + [corner] + above + [above[-1]] * 4
    # Block (2, 2), the last CTU's first: above right and all left of it are coded, and so is below left.
    assert samples[3].tolist() == [*picture[8:16, 7].flip(0).tolist(), picture[7, 7].item(), *picture[7, 8:16].tolist()]


def test_the_predictors_are_those_of_real_streams():
    """At QP 44 most blocks have no residual: there the decoded block is the prediction itself.

    Blocks of 8×8 with an exactly equal prediction, all twelve pictures: 69 %. Where the surroundings are flat several
    modes give the same pixels, so a mode counts as seen only where its prediction alone fits (41 % of blocks).
    """
    equal, count, seen = 0, 0, torch.zeros(intra.MODES, dtype=torch.int64)
    for picture in codec_pictures.held_out().values():
        height, width = (side // 16 * 16 for side in picture.shape)
        stream = encoders.x265(
            picture[None, :height, :width],
            44,
            deblock=False,
            sao=False,
            options="ctu=16:max-tu-size=8:strong-intra-smoothing=0",
        )
        decoded = encoders.decode(stream)[0].long()
        predictions = intra.predict_all(intra.references(decoded, 8, ctu=16))  # (K, 35, 8, 8)
        fits = (predictions == blocks.cut(decoded, 8).reshape(-1, 1, 8, 8)).flatten(2).all(dim=2)  # (K, 35)
        equal += fits.any(dim=1).sum().item()
        seen += fits[fits.sum(dim=1) == 1].sum(dim=0)
        count += len(fits)
    assert equal / count >= 0.59
    assert seen.min() >= 50  # of 26,000 blocks; the rarest mode has 98


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intra.predict(torch.zeros(17, dtype=torch.int64), 35), "modes are 0 to 34, not 35"),
        (lambda: intra.predict_all(torch.zeros(18, dtype=torch.int64)), "reference samples, not 18"),
        (lambda: intra.predict_all(torch.zeros(9, dtype=torch.int64)), "reference samples, not 9"),
        (lambda: intra.references(torch.zeros(12, 8, dtype=torch.uint8), 8, ctu=8), "12×8 pixels do not divide"),
        (lambda: intra.references(torch.zeros(8, 8), 8, ctu=8), r"\(H, W\) of integers here"),
        (lambda: intra.references(torch.zeros(16, 16, dtype=torch.uint8), 16, ctu=8), "does not hold whole blocks"),
        (lambda: intra.coding_order(4, 4, 3), "a power of two blocks a side, not 3"),
    ],
)
def test_bad_references_are_a_clear_error(call, message):
    with pytest.raises(CourseError, match=message):
        call()
