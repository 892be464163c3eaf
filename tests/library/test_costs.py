"""course_utils.costs: predictions held against torchinfo, torch's counter, and what a real pass keeps."""

import weakref

import pytest
import torch
import torchinfo
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils import costs
from course_utils.errors import CourseError

TEN_MODELS = (
    "alexnet",
    "vgg16",
    "googlenet",
    "resnet18",
    "resnet50",
    "densenet121",
    "mobilenet_v2",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
)
SHAPE = (2, 3, 224, 224)


def shell(name: str) -> nn.Module:
    """A torchvision model without memory for its weights."""
    options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None, **options)


@pytest.mark.parametrize("name", TEN_MODELS)
def test_parameters_and_macs_equal_torchinfo_to_the_unit(name):
    cost = costs.predict(shell(name), SHAPE)
    summary = torchinfo.summary(shell(name), input_data=torch.empty(SHAPE, device="meta"), device="meta", verbose=0)
    assert cost.parameters == summary.trainable_params
    layers = [layer for layer in summary.summary_list if isinstance(layer.module, nn.Conv2d | nn.Linear)]
    # torchinfo also counts the addition of a bias as a multiply-accumulate at every position.
    biases = [
        layer.module.bias.numel() * layer.output_size[0] * torch.Size(layer.output_size[2:]).numel()
        for layer in layers
        if layer.module.bias is not None
    ]
    assert cost.macs == sum(layer.macs for layer in layers) - sum(biases)


@pytest.mark.parametrize("name", TEN_MODELS)
def test_macs_of_the_layers_add_up_to_half_of_what_torch_counts(name):
    cost, model = costs.predict(shell(name), SHAPE), shell(name).train()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(SHAPE, device="meta"))
    assert 2 * sum(layer.macs for layer in cost.layers) == counter.get_total_flops()


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "mobilenet_v2"])
def test_predicted_activation_bytes_are_those_that_a_real_pass_keeps(name):
    model = torchvision.models.get_model(name, weights=None)
    batch = torch.zeros(2, 3, 96, 96)
    cost = costs.predict(model, batch)
    assert cost.activation_bytes == costs.saved_bytes(model, batch)
    assert cost.activation_bytes == sum(layer.activation_bytes for layer in cost.layers)


def test_measuring_frees_what_it_measured():
    class Remembered(nn.Module):
        def forward(self, x):
            y = torch.relu(x)  # autograd keeps this output itself: a cycle, if the hook keeps it with its graph
            self.seen = weakref.ref(y.untyped_storage())
            return y.sum()

    model, batch = Remembered(), torch.ones(1000, requires_grad=True)
    assert costs.saved_bytes(model, batch) == 4000
    assert model.seen() is None


def test_a_small_network_costs_what_arithmetic_says():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 10))
    cost = costs.predict(model, (5, 3, 4, 4))
    assert cost.parameters == (3 * 9 + 1) * 8 + (8 * 16 + 1) * 10
    assert cost.macs == 5 * (16 * 8 * 27 + 8 * 16 * 10)
    assert cost.activation_bytes == 4 * 5 * (3 * 16 + 8 * 16)  # the batch, and the ReLU's output
    assert [layer.name for layer in cost.layers] == ["0", "1", "2", "3"]
    assert "total" in str(cost)


def test_dropout_keeps_its_mask_in_training_and_nothing_in_evaluation():
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout())
    training, evaluation = (costs.predict(model, (2, 8), training=mode) for mode in (True, False))
    assert training.activation_bytes - evaluation.activation_bytes == 4 * 2 * 8


def test_a_shared_layer_has_its_parameters_once_and_its_macs_twice():
    layer = nn.Linear(4, 4, bias=False)
    cost = costs.predict(nn.Sequential(layer, layer), (1, 4))
    assert (cost.parameters, cost.macs) == (16, 32)


def test_attention_and_recurrence_are_counted_too():
    assert costs.predict(nn.LSTM(8, 16), (5, 3, 8)).macs == 5 * 3 * 4 * 16 * (8 + 16)
    attention = costs.predict(nn.MultiheadAttention(16, 4, batch_first=True), *[(2, 7, 16)] * 3)
    assert attention.macs == 2 * (4 * 7 * 16 * 16 + 2 * 7 * 7 * 16)


def test_predicting_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    costs.predict(model, (4, 3))
    assert not model.training and all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_shapes_that_do_not_fit_are_a_clear_error():
    with pytest.raises(CourseError, match="Sequential cannot be costed on inputs like these"):
        costs.predict(nn.Sequential(nn.Linear(3, 3)), (4, 5))


def test_the_measured_peak_is_the_bytes_alive_at_once():
    def step() -> None:
        first = torch.ones(1000)  # 4,000 bytes
        second = first + 1  # 8,000 alive
        del first
        third = second * 2  # 8,000 alive
        del second, third

    assert costs.measure_peak(step, torch.device("cpu")) == 8_000


def test_the_measured_peak_of_a_training_step_exceeds_what_the_forward_pass_keeps():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    batch = torch.zeros(16, 3, 8, 8)
    kept = costs.predict(model, batch).activation_bytes - batch.nbytes  # the batch was there before the step
    assert costs.measure_peak(lambda: model(batch).sum().backward(), torch.device("cpu")) > kept


def test_no_peak_can_be_measured_on_other_devices():
    with pytest.raises(CourseError, match="on cpu and cuda, not on mps"):
        costs.measure_peak(lambda: None, torch.device("mps"))
