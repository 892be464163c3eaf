"""The loop-filter networks, their data file, and what they are measured by."""

import pytest
import torch
from coded_waves import coded_waves

from course_utils import costs
from course_utils.codec import metrics
from course_utils.codec.loop_filter import evaluation, filter_data, networks
from course_utils.data import codec_pictures
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def data() -> filter_data.FilterData:
    return coded_waves()


def random_weights(net: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    return net


def test_the_residual_filter_keeps_to_60_k_weights_and_15_kmac_a_pixel():
    cost = costs.predict(networks.build("residual"), (1, 1, 64, 64), torch.full((1,), 32.0), training=False)
    assert cost.parameters <= 60_000
    assert cost.macs <= 15_000 * 64**2


def test_vrcnn_has_the_weights_of_the_paper():
    assert costs.parameters(networks.build("vrcnn")) == 54_673


@pytest.mark.parametrize("name", networks.NAMES)
def test_an_untrained_network_changes_no_picture_of_any_size(name):
    pictures = torch.randint(256, (2, 67, 131), dtype=torch.uint8)
    assert torch.equal(networks.filtered(networks.build(name), pictures, 32), pictures)


def test_the_correction_in_steps_depends_on_the_qp():
    net, x = random_weights(networks.build("residual")), torch.rand(1, 1, 16, 16)
    corrections = [(net(x, qp) - x) / networks.step_size(qp) for qp in (torch.tensor([22.0]), torch.tensor([37.0]))]
    assert not torch.allclose(*corrections, rtol=1e-3)


def test_a_block_mean_counts_the_pixels_of_a_smaller_block_at_the_border_alone():
    means = networks.block_mean(torch.ones(1, 1, 5, 70), 32)
    assert means.shape == (1, 1, 1, 3)
    assert torch.equal(means, torch.ones(1, 1, 1, 3))


def test_a_gate_sees_its_own_block_alone():
    gate = random_weights(networks.Gate(4, 0, block=8))
    features, side = torch.rand(1, 4, 16, 8), torch.zeros(1, 0, 2, 1)
    other = features.clone()
    other[:, :, 8:] += 1
    assert torch.equal(gate(features, side)[:, :, :8], gate(other, side)[:, :, :8])


def test_an_unknown_network_is_a_clear_error():
    with pytest.raises(CourseError, match="no network is called 'resnet'"):
        networks.build("resnet")


def test_pictures_that_are_not_8_bits_are_a_clear_error():
    with pytest.raises(CourseError, match="uint8"):
        networks.filtered(networks.build("residual"), torch.zeros(1, 8, 8), 32)


def test_a_file_that_is_no_checkpoint_is_a_clear_error(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CourseError, match="no checkpoint"):
        networks.load(tmp_path / "net.safetensors")


def test_the_shipped_network_is_a_trained_residual_filter():
    net = networks.shipped()
    assert net.name == "residual"
    assert net.last.weight.abs().max() > 0


def test_the_encoder_fills_the_data_with_pictures_at_their_qps():
    crops = torch.randint(100, 156, (2, 32, 32), dtype=torch.uint8)
    coded = filter_data.prepare(crops, {}, qps=torch.tensor([[22, 37]]))
    errors = (coded.decoded[0].float() - crops.float()).square().mean(dim=(1, 2))
    assert errors[0] < errors[1]
    assert not coded.tests


def test_every_crop_is_coded_at_all_training_qps_and_every_picture_with_and_without_loop_filters():
    crops = codec_pictures.training()[:2, :32, :32]
    picture = codec_pictures.held_out()["camera"][:64, :96]
    coded = filter_data.prepare(crops, {"camera": picture})
    assert coded.decoded.shape == (7, 2, 32, 32) and coded.qps[:, 1].tolist() == list(filter_data.TRAINING_QPS)
    test = coded.tests["camera"]
    assert test.decoded.shape == (4, 64, 96) and torch.equal(test.original, picture)
    assert sorted(test.bits, reverse=True) == test.bits
    assert sorted(test.filtered_psnr, reverse=True) == test.filtered_psnr
    plain = metrics.psnr(test.decoded, picture.expand(4, -1, -1)).tolist()
    assert test.filtered_psnr[3] > plain[3]  # at a high QP, deblocking and SAO mend more than they blur


def test_a_filter_that_changes_nothing_has_a_bd_rate_of_zero(data):
    result = evaluation.evaluate_pictures(lambda test: test.decoded, data)
    assert result.off == pytest.approx(0, abs=1e-9)
    assert result.filtered != pytest.approx(0, abs=0.1)


def test_bits_sent_along_are_counted(data):
    costly = evaluation.evaluate_pictures(
        lambda test: test.decoded, data, side_bits={"waves": [800.0, 400.0, 200.0, 100.0]}
    )
    assert costly.off == pytest.approx(10, abs=1e-6)
