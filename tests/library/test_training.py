"""course_utils.training: one loop, equal to the loop by hand, that records, stops and reports."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils import training
from course_utils.errors import CourseError


def small_problem(dtype: torch.dtype = torch.float32) -> tuple[nn.Module, list[tuple[torch.Tensor, torch.Tensor]]]:
    """A small network and four batches of a task that it can learn."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).to(dtype)
    images = torch.rand(64, 1, 6, 6, generator=generator, dtype=torch.float64).to(dtype)
    labels = (images.mean(dim=(1, 2, 3)) > 0.5).long()
    return model, list(zip(images.split(16), labels.split(16), strict=True))


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def test_fit_ends_with_the_same_weights_as_the_loop_by_hand():
    by_hand, data = small_problem(torch.float64)
    optimizer = sgd(by_hand)
    for _ in range(3):
        for inputs, targets in data:
            optimizer.zero_grad()
            F.cross_entropy(by_hand(inputs), targets).backward()
            optimizer.step()
    fitted, data = small_problem(torch.float64)
    training.fit(fitted, data, optimizer=sgd(fitted), epochs=3)
    for ours, theirs in zip(fitted.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_history_holds_every_step_and_every_epoch():
    model, data = small_problem()
    history = training.fit(model, data, optimizer=sgd(model), epochs=2, test_data=data)
    assert len(history.step_loss) == len(history.step_learning_rate) == 8
    assert [epoch.number for epoch in history.epochs] == [1, 2] and history.epochs[0].steps == 4
    assert history.epochs[1].train.loss == pytest.approx(sum(history.step_loss[4:]) / 4, rel=1e-6)
    assert history.epochs[1].test == training.evaluate(model, data)
    assert history.seconds > 0 and not history.interrupted


def test_the_schedule_is_stepped_after_every_step():
    model, data = small_problem()
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    history = training.fit(model, data, optimizer=optimizer, epochs=1, schedule=schedule)
    assert history.step_learning_rate == pytest.approx([0.1, 0.1 / 2, 0.1 / 3, 0.1 / 4])


@settings(max_examples=20)
@given(batch_size=st.integers(1, 64))
def test_evaluation_does_not_depend_on_the_batch_size(batch_size):
    model, data = small_problem(torch.float64)
    images, labels = (torch.cat(parts) for parts in zip(*data, strict=True))
    batches = list(zip(images.split(batch_size), labels.split(batch_size), strict=True))
    whole, parts = training.evaluate(model, [(images, labels)]), training.evaluate(model, batches)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6) and parts.accuracy == pytest.approx(whole.accuracy)


@pytest.mark.parametrize("mode", [True, False])
def test_evaluation_uses_eval_mode_and_puts_the_mode_back(mode):
    model = nn.Sequential(nn.Dropout(0.9), nn.Linear(3, 2)).train(mode)
    data = [(torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))]
    assert training.evaluate(model, data) == training.evaluate(model, data)
    assert model.training is mode


def test_the_stop_button_keeps_what_was_learned():
    model, data = small_problem()

    def stopped_in_the_second_epoch():
        yield from data
        yield data[0]
        raise KeyboardInterrupt

    history = training.fit(model, stopped_in_the_second_epoch(), optimizer=sgd(model), epochs=3)
    assert history.interrupted
    assert len(history.step_loss) == len(history.step_learning_rate) == history.epochs[0].steps == 5


def test_a_stop_before_the_first_step_leaves_an_empty_history():
    model, _ = small_problem()

    class Stopped(list):
        def __iter__(self):
            raise KeyboardInterrupt

    history = training.fit(model, Stopped(), optimizer=sgd(model), epochs=1)
    assert history.interrupted and history.epochs == [] and history.step_learning_rate == []


@pytest.mark.parametrize("options", [{"precision": "bf16"}, {"channels_last": True}])
def test_options_change_speed_and_not_learning(options):
    model, data = small_problem()
    before = training.evaluate(model, data).loss
    training.fit(model, data, optimizer=sgd(model), epochs=5, **options)
    assert training.evaluate(model, data, precision=options.get("precision", "float32")).loss < before
    assert next(model.parameters()).dtype == torch.float32


def test_inputs_may_be_tuples_and_dicts():
    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, parts: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> torch.Tensor:
            return self.weight * (parts[0] + parts[1]["side"])

    model = Adds()
    data = [((torch.ones(5, 1), {"side": torch.ones(5, 1)}), torch.zeros(5, 1))]
    history = training.fit(model, data, optimizer=sgd(model), epochs=2, loss=F.mse_loss, accuracy=None)
    assert history.step_loss[0] == 4 and history.step_loss[1] < 4
    assert history.epochs[0].train.accuracy != history.epochs[0].train.accuracy  # nan: nobody asked


def test_an_unknown_precision_is_a_clear_error():
    model, data = small_problem()
    with pytest.raises(CourseError, match="unknown precision 'fp8': choose one of float32, bf16"):
        training.fit(model, data, optimizer=sgd(model), epochs=1, precision="fp8")


def test_data_without_a_batch_is_an_error():
    model, data = small_problem()
    with pytest.raises(ValueError, match="no batch"):
        training.fit(model, [], optimizer=sgd(model), epochs=1)
    with pytest.raises(ValueError, match="a generator that was used up"):
        training.fit(model, iter(data), optimizer=sgd(model), epochs=2)


def test_fit_is_silent_under_validation_and_shows_a_bar_otherwise(monkeypatch, capfd):
    model, data = small_problem()
    training.fit(model, data, optimizer=sgd(model), epochs=1)
    assert capfd.readouterr() == ("", "")
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    training.fit(model, data, optimizer=sgd(model), epochs=1)
    assert "4/4" in capfd.readouterr().err


def test_one_cycle_peaks_at_each_groups_own_rate_after_a_quarter_and_ends_near_zero():
    model, _ = small_problem()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[3].parameters(), "lr": 0.2}]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    schedule = training.one_cycle(optimizer, steps=40)
    rates, momenta = [], []
    for _ in range(40):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if len(rates) < 40:
            schedule.step()
    assert max(rate[0] for rate in rates) == pytest.approx(0.1)
    assert max(rate[1] for rate in rates) == pytest.approx(0.2)
    assert rates.index(max(rates)) == 9  # the tenth of forty steps
    assert rates[-1][0] < 1e-5
    assert momenta[9] == pytest.approx(0.85) and momenta[-1] == pytest.approx(0.95)


@pytest.mark.parametrize(("instructions", "expected"), [({"avx512_bf16": True}, "bf16"), ({}, "float32")])
def test_bfloat16_is_chosen_only_where_the_processor_has_it(monkeypatch, instructions, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert training.fast_precision(torch.device("cpu")) == expected
