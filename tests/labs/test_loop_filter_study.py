"""The study of the lab on loop filters: the training, and what it leaves."""

import json
from pathlib import Path

import controls
import filter_training
import lies
import loop_filter
import pytest
import stored_data
import torch
from coded_waves import coded_waves
from conftest import ROOT
from PIL import Image

from course_utils.codec.loop_filter import filter_data, networks
from course_utils.command import notebooks
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def data() -> filter_data.FilterData:
    return coded_waves()


def test_more_crops_come_from_each_size_and_no_more_than_wanted(tmp_path):
    noise = torch.randint(256, (600, 900, 3), dtype=torch.uint8)  # 2×3 crops at a half, 1×2 at a third, 1 at a quarter
    Image.fromarray(noise.numpy()).save(tmp_path / "noise.png")
    own = len(loop_filter.more_crops(tmp_path, (0, 0, 0)))
    assert len(loop_filter.more_crops(tmp_path)) == own + 6 + 2 + 1
    assert len(loop_filter.more_crops(tmp_path, (4, 2, 0))) == own + 4 + 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"crops": (1, 2, 3)}, "name a folder"),
        ({"pictures": Path()}, "is for --prepare"),
        ({"write": True, "network": ["plane"]}, "train both"),
    ],
)
def test_an_option_that_would_do_nothing_is_one_clear_line(options, word):
    with pytest.raises(CourseError, match=word):
        loop_filter.main(**options)


def test_a_drawn_patch_lies_over_its_original(data):
    shifted = filter_data.FilterData(data.originals // 2, (data.originals // 2 + 3).expand(2, -1, -1, -1), data.qps, {})
    patches = filter_training.Patches(shifted, side=16, device=torch.device("cpu"))
    decoded, original, qp, _ = patches.draw(50)
    assert torch.allclose(255 * (decoded - original), torch.tensor(3.0), atol=1e-4)
    assert set(qp.tolist()) == {22.0, 37.0}


def test_flat_patches_are_not_trained_on(data):
    originals = data.originals.clone()
    originals[2] = 77
    assert set(filter_training.positions(originals, 32)[:, 0].tolist()) == {0, 1, 3, 4, 5}


def test_training_lowers_the_error_and_repeats_with_the_seed(data):
    losses = []

    def trained() -> torch.nn.Module:
        torch.manual_seed(0)
        net = controls.build("plane")
        return filter_training.train(
            net, data, steps=60, side=16, bf16=False, on_progress=lambda *seen: losses.append(seen[2])
        )

    first, second = trained(), trained()
    assert losses[11] < 0.9 * losses[0]
    assert all(torch.equal(*pair) for pair in zip(first.parameters(), second.parameters(), strict=True))


def test_a_training_needs_one_budget(data):
    with pytest.raises(ValueError, match="either steps or seconds"):
        filter_training.train(controls.build("plane"), data, steps=1, seconds=1.0)


def test_the_study_leaves_a_checkpoint_and_figures(data, tmp_path, capsys):
    stored_data.save(data, tmp_path / "data.safetensors")
    records = loop_filter.run(["plane"], data=tmp_path / "data.safetensors", out=tmp_path / "out", minutes=0.001)
    assert controls.load(tmp_path / "out" / "plane-0.safetensors").name == "plane"
    assert (tmp_path / "out" / "plane-0.json").is_file()
    assert "plane seed 0: 100%" in capsys.readouterr().out
    assert loop_filter.table(records).splitlines()[1].startswith("plane")


def test_the_study_finds_a_wrong_name_before_it_trains(tmp_path):
    with pytest.raises(CourseError, match="no network is called"):
        loop_filter.run(["plane", "resnet"], data=tmp_path / "none", out=tmp_path, minutes=1)


def test_a_training_goes_on_from_a_checkpoint(data, tmp_path):
    stored_data.save(data, tmp_path / "data.safetensors")
    net = controls.build("plane")
    torch.nn.init.constant_(net.last.bias, 0.5)  # what a new network never has
    controls.save(net, tmp_path / "start.safetensors")
    options = {"data": tmp_path / "data.safetensors", "minutes": 0.001, "start": tmp_path / "start.safetensors"}
    loop_filter.run(["plane"], out=tmp_path / "out", **options)
    assert controls.load(tmp_path / "out" / "plane-0.safetensors").last.bias.mean() > 0.4
    with pytest.raises(CourseError, match="of kind 'plane'"):
        loop_filter.run(["residual"], out=tmp_path / "out", **options)


def test_a_filter_told_one_qp_in_both_places_is_the_filter(data):
    net, picture = networks.shipped(), next(iter(data.tests.values())).decoded[:1]
    assert torch.equal(lies.filtered(net, picture, 27, 27), networks.filtered(net, picture, 27))
    assert not torch.equal(lies.filtered(net, picture, 27, 37), networks.filtered(net, picture, 27))


def test_the_lab_quotes_the_lies_that_were_stored():
    lab = notebooks.read(ROOT / "solutions" / "lab08" / "lab08.ipynb")
    text = "\n".join(cell.source for cell in lab.cells if cell.cell_type == "markdown")
    for row in json.loads(lies.TABLE.read_text(encoding="utf-8")):
        change = f"{row['psnr']:+.2f}".replace("-", "−")
        assert f"| QP {row['pictures']} | {row['gates']} | {row['scale']} | {change} |" in text


def random_weights(net: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    return net


@pytest.mark.parametrize("name", controls.CONTROLS)
def test_an_untrained_control_changes_no_picture_of_any_size(name):
    pictures = torch.randint(256, (2, 67, 131), dtype=torch.uint8)
    assert torch.equal(networks.filtered(controls.build(name), pictures, 32), pictures)


@pytest.mark.parametrize("name", ["early", "middle", "late", "plane", "depthwise"])
def test_the_correction_of_a_control_that_is_told_depends_on_the_qp(name):
    torch.manual_seed(0)
    net, x = random_weights(controls.build(name)), torch.rand(1, 1, 16, 16)
    corrections = [(net(x, qp) - x) / networks.step_size(qp) for qp in (torch.tensor([22.0]), torch.tensor([37.0]))]
    assert not torch.allclose(*corrections, rtol=1e-3)


def test_the_blind_network_does_not_know_the_qp():
    net, x = random_weights(controls.build("blind")), torch.rand(1, 1, 16, 16)
    assert torch.equal(net(x, torch.tensor([22.0])), net(x, torch.tensor([37.0])))


def test_an_unknown_control_is_a_clear_error():
    with pytest.raises(CourseError, match="no network is called 'resnet'"):
        controls.build("resnet")


def test_a_saved_network_filters_as_before(tmp_path):
    net = random_weights(controls.build("plane"))
    controls.save(net, tmp_path / "net.safetensors", seed="0")
    x, qp = torch.rand(1, 1, 9, 9), torch.tensor([30.0])
    assert torch.equal(controls.load(tmp_path / "net.safetensors")(x, qp), net(x, qp))


def test_the_data_file_gives_back_what_was_saved(data, tmp_path):
    stored_data.save(data, tmp_path / "data.safetensors")
    again = stored_data.load(tmp_path / "data.safetensors")
    assert torch.equal(again.decoded, data.decoded)
    assert torch.equal(again.qps, data.qps)
    assert again.tests["waves"].filtered_psnr == data.tests["waves"].filtered_psnr
    assert torch.equal(again.tests["waves"].decoded, data.tests["waves"].decoded)


def test_a_missing_data_file_is_a_clear_error(tmp_path):
    with pytest.raises(CourseError, match="holds no loop-filter data"):
        stored_data.load(tmp_path / "data.safetensors")
