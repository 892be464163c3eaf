"""The study of mode decision: its costs and networks are those of lab 07, and lab 07 quotes what its table says."""

import json
import re
import statistics

import mode_decision as study
import pytest
import torch
from conftest import ROOT

from course_tools.grader import labs
from course_tools.notebook_code import definitions
from course_utils.codec import intra, transforms
from course_utils.command import notebooks
from course_utils.data import codec_pictures
from course_utils.errors import CourseError

PATH = ROOT / "solutions" / "lab07" / "lab07.ipynb"
lab = definitions(PATH)


@pytest.fixture(scope="module")
def table() -> dict:
    return json.loads(study.TABLE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def some() -> tuple[torch.Tensor, torch.Tensor]:
    """256 blocks of one test picture and their reference samples."""
    return study.blocks_of([codec_pictures.held_out()["camera"][128:256, 128:256]])


@pytest.fixture(scope="module")
def measured(some) -> dict[str, torch.Tensor]:
    return study.all_costs(*some)


# --- the study does what the lab does


def test_its_costs_are_those_of_the_lab(some, measured):
    (source,) = labs.find(ROOT, ["lab07"])
    answers = labs.namespace(labs.definitions(labs.read_source(source)))  # a check of the lab puts its own in between
    blocks, predictions = some[0], intra.predict_all(some[1].long())
    for index, qp in enumerate(study.TEST_QPS):
        expected = answers["costs"](blocks, predictions, qp) | {"RD": answers["rd_cost"](blocks, predictions, qp)}
        for name, cost in expected.items():
            assert torch.allclose(measured[name][:, index], cost.float(), rtol=1e-3, atol=1e-2), (name, qp)


def test_its_squared_error_is_the_librarys(some, measured):
    expected = transforms.sse(some[0][:, None].long() - intra.predict_all(some[1].long()))
    assert torch.equal(measured["SSE"][:, 0].long(), expected)


def test_its_networks_see_what_those_of_the_lab_see(some):
    qp = torch.full((len(some[0]),), lab.QP)
    assert torch.allclose(study.pixels(*some, qp), lab.pixels(*some), atol=1e-5)


@pytest.mark.parametrize("name", ["wide", "stacked"])
def test_its_networks_are_those_of_the_lab(some, name):
    outputs = []
    for where in (study, lab):
        torch.manual_seed(0)
        outputs.append(getattr(where, name)()(lab.pixels(*some)))
    assert outputs[0].shape == (len(some[0]), intra.MODES)
    assert torch.equal(*outputs)


def test_a_block_turned_over_costs_what_it_cost(some, measured):
    """Left and above exchanged, mode 36 - m costs what mode m did: the training data doubles for nothing."""
    blocks, samples, expected = study.turned(*some, measured["RD"][:, 2])
    turned = study.all_costs(blocks, samples)["RD"][:, 2]
    assert torch.allclose(turned, expected, rtol=1e-3, atol=1e-2)


def test_planes_hold_the_samples_beside_the_pixels_they_touch():
    block, samples = torch.arange(64.0), 100 + torch.arange(33.0)
    planes = study.Planes()(torch.cat([block, samples, torch.tensor([7.0])])[None])[0]  # (6, 8, 8)
    assert torch.equal(planes[0], block.view(8, 8))
    left, above, below, right, step = planes[1:]
    assert torch.equal(left[:, 0], torch.arange(115.0, 107.0, -1)) and torch.equal(left[:, 7], left[:, 0])
    assert torch.equal(above[0], torch.arange(117.0, 125.0)) and torch.equal(above[7], above[0])
    assert torch.equal(below[:, 0], torch.arange(107.0, 99.0, -1))
    assert torch.equal(right[0], torch.arange(125.0, 133.0))
    assert (step == 7).all()


def test_an_interval_needs_three_different_seeds():
    with pytest.raises(CourseError, match="three to five different seeds, not 2"):
        study.study([0, 1, 1])


# --- what its table says


def test_better_costs_lose_less_at_every_qp(table):
    rows = [table["costs"][name] for name in ("SAD", "SATD", "DCT-L1", "log-cost")]
    assert all(a > b > c > d for a, b, c, d in zip(*rows, strict=True))


def test_eight_modes_by_satd_lose_at_most_four_tenths_of_a_percent(table):
    assert max(table["tried"]["SATD"]["8"]) <= 0.4


@pytest.mark.parametrize("network", ["wide, 2000 steps", "wide, 5000 steps"])
def test_soft_targets_gain_at_least_eight_tenths_of_a_point_of_j(table, network):
    gain, width = table["soft against hard"][f"RD, {network}"]
    assert gain >= 0.8 and gain > width


@pytest.mark.parametrize("network", ["wide, 2000 steps", "wide, 5000 steps"])
def test_three_modes_by_the_network_lose_at_most_two_and_a_half_percent(table, network):
    mean, width = table["networks"][f"RD, soft, {network}"]["3"]
    assert mean + width <= 2.5


def test_the_lab_quotes_the_table(table):
    """Each number of the lab's two tables is the stored one to two digits."""
    text = "\n".join(cell.source for cell in notebooks.read(PATH).cells if cell.cell_type == "markdown")
    costs = table["costs"] | {"SATD, 8 tried": table["tried"]["SATD"]["8"], "RD": [0.0]}
    for name in ("SAD", "SATD", "DCT-L1", "log-cost", "SATD, 8 tried"):
        (row,) = re.findall(rf"^\| {name} \|((?: \d\.\d\d \|){{4}})$", text, flags=re.MULTILINE)
        assert numbers(row) == pytest.approx(costs[name], abs=0.0055)
    rows = re.findall(r"^\| (wide|3×3) \| ([\d,]+) \| (\S+) \| (.+) \|$", text, flags=re.MULTILINE)
    assert 2 * len(rows) == len(table["networks"])
    for network, steps, label, row in rows:
        hard, soft = (
            table["networks"][f"{label}, {kind}, {network}, {steps.replace(',', '')} steps"]
            for kind in ("hard", "soft")
        )
        expected = [statistics.mean(costs[label]), *hard["1"], *soft["1"], *soft["3"]]
        assert numbers(row) == pytest.approx(expected, abs=0.0055)


def numbers(row: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.\d+", row)]
