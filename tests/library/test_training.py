"""course_utils.training: one loop, equal to the loop by hand, that records, stops and reports."""

import contextlib
import re
import signal
import sys
import threading
from typing import Any, NamedTuple

import nbformat
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from course_utils import training
from course_utils.command import kernel
from course_utils.errors import CourseError


def small_problem(dtype: torch.dtype = torch.float32) -> tuple[nn.Module, list[tuple[Tensor, Tensor]]]:
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
    for fitted_weight, weight in zip(fitted.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(fitted_weight, weight)


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


# --- the stop button


class Run:
    """Two epochs of two steps, with a schedule and test data."""

    def __init__(self) -> None:
        self.model, data = small_problem()
        self.data, self.test_data = data[:2], data[2:3]
        self.optimizer = sgd(self.model)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 / (1 + step))

    def fit(self, **changes: Any) -> training.History:
        options = {"optimizer": self.optimizer, "schedule": self.schedule, "test_data": self.test_data, "epochs": 2}
        return training.fit(self.model, self.data, **options | changes)

    def weights(self) -> Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in self.model.parameters()])


@pytest.fixture(scope="module")
def weights_after() -> list[Tensor]:
    """The weights before the first step of a `Run` and after each of its four."""
    run = Run()
    weights = [run.weights()]
    for inputs, targets in 2 * run.data:
        run.optimizer.zero_grad()
        F.cross_entropy(run.model(inputs), targets).backward()
        run.optimizer.step()
        run.schedule.step()
        weights.append(run.weights())
    return weights


def assert_record_tells_the_truth(history: training.History, run: Run, weights_after: list[Tensor]) -> None:
    taken = len(history.step_loss)
    assert torch.equal(run.weights(), weights_after[taken])
    assert run.schedule.last_epoch == len(history.step_learning_rate) == taken
    assert sum(epoch.steps for epoch in history.epochs) == taken


def press_stop_at_line(number: int, run: Run) -> training.History | None:
    """Fit, with the stop button pressed before the `number`-th line that runs in training.py or contextlib.

    None where `fit` was entered or left already, so that nobody can catch the interrupt but its caller.
    """
    files, passed, before = {training.__file__, contextlib.__file__}, 0, sys.gettrace()

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal passed
        if frame.f_code.co_filename in files and event == "line":
            passed += 1
            if passed == number:
                signal.raise_signal(signal.SIGINT)
        return trace

    sys.settrace(trace)
    try:
        return run.fit()
    except KeyboardInterrupt:
        return None
    finally:
        sys.settrace(before)


def test_wherever_the_stop_button_is_pressed_record_weights_and_schedule_have_taken_the_same_steps(weights_after):
    seen, lost_at_the_end, number = set(), 0, 0
    while True:
        number += 1
        run = Run()
        history = press_stop_at_line(number, run)
        if history is None:
            untrained = torch.equal(run.weights(), weights_after[0])
            assert untrained or torch.equal(run.weights(), weights_after[-1])
            lost_at_the_end += not untrained
            continue
        assert_record_tells_the_truth(history, run, weights_after)
        seen.add(len(history.step_loss))
        if not history.interrupted:  # the run has fewer lines
            break
    assert seen == {0, 1, 2, 3, 4} and number > 100
    assert lost_at_the_end <= 1  # the line that returns


@pytest.mark.parametrize("place", ["before the weights", "after the weights", "schedule"])
def test_a_stop_inside_a_step_waits_until_the_step_is_whole(weights_after, place):
    run, calls = Run(), []

    def press_stop(*_: Any) -> None:
        calls.append(place)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)

    if place == "before the weights":
        run.optimizer.register_step_pre_hook(press_stop)
    elif place == "after the weights":
        run.optimizer.register_step_post_hook(press_stop)
    else:
        factor = run.schedule.lr_lambdas[0]
        run.schedule.lr_lambdas[0] = lambda step: press_stop() or factor(step)
    history = run.fit()
    assert history.interrupted and len(history.step_loss) == 3
    assert_record_tells_the_truth(history, run, weights_after)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_a_stop_while_a_step_is_measured_leaves_that_step_out(weights_after, name):
    functions = {"loss": F.cross_entropy, "accuracy": training.accuracy}
    run, calls = Run(), []

    def stopped(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return functions[name](outputs, targets)

    history = run.fit(**{name: stopped})
    assert history.interrupted and len(history.step_loss) == 1
    assert_record_tells_the_truth(history, run, weights_after)


def test_a_stop_during_the_evaluation_keeps_the_epoch_without_its_test_figures(weights_after):
    class Stopped(list):
        def __iter__(self):
            raise KeyboardInterrupt

    run = Run()
    history = run.fit(test_data=Stopped())
    assert history.interrupted and history.epochs[0].test is None and len(history.epochs) == 1
    assert_record_tells_the_truth(history, run, weights_after)


def test_the_stop_button_ends_the_second_epoch_where_it_is_pressed():
    model, data = small_problem()

    def stopped_in_the_second_epoch():
        yield from data
        yield data[0]
        raise KeyboardInterrupt

    history = training.fit(model, stopped_in_the_second_epoch(), optimizer=sgd(model), epochs=3)
    assert history.interrupted
    assert len(history.step_loss) == len(history.step_learning_rate) == history.epochs[0].steps == 5


def test_a_stop_before_the_first_step_leaves_an_empty_history(capsys):
    model, _ = small_problem()

    class Stopped(list):
        def __iter__(self):
            raise KeyboardInterrupt

    history = training.fit(model, Stopped(), optimizer=sgd(model), epochs=1)
    assert history.interrupted and history.epochs == [] and history.step_learning_rate == []
    assert capsys.readouterr().out == "stopped in epoch 1 after 0 steps; the model keeps them\n"


def test_a_training_leaves_one_line_with_its_result_and_no_bar_in_a_notebook(monkeypatch, tmp_path):
    monkeypatch.delenv("PYTEST_VERSION")  # somebody watches
    source = """import torch
from course_utils import training
model, data = torch.nn.Linear(2, 2), [(torch.ones(4, 2), torch.tensor([0, 1, 1, 1]))] * 3
history = training.fit(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=2)"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    kernel.client(notebook, tmp_path, cell_seconds=120).execute()
    (output,) = notebook.cells[0].outputs
    assert re.fullmatch(
        r"epoch 2, train loss [\d.]+, train accuracy [\d.]+, 6 steps in [\d.]+ s", output.data["text/plain"]
    )


def test_fit_trains_in_another_thread_too_where_no_stop_button_can_reach_it(weights_after):
    run, histories = Run(), []
    thread = threading.Thread(target=lambda: histories.append(run.fit()))
    thread.start()
    thread.join()
    assert_record_tells_the_truth(histories[0], run, weights_after)


# --- what fit takes


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

        def forward(self, parts: tuple[Tensor, dict[str, Tensor]]) -> Tensor:
            return self.weight * (parts[0] + parts[1]["side"])

    model = Adds()
    data = [((torch.ones(5, 1), {"side": torch.ones(5, 1)}), torch.zeros(5, 1))]
    history = training.fit(model, data, optimizer=sgd(model), epochs=2, loss=F.mse_loss, accuracy=None)
    assert history.step_loss[0] == 4 and history.step_loss[1] < 4
    assert history.epochs[0].train.accuracy != history.epochs[0].train.accuracy  # nan: nobody asked


class Sentences(NamedTuple):
    """A mini-batch as some collate functions make it."""

    words: PackedSequence
    speaker: Tensor


class Tagger(nn.Module):
    """Packed sentences (T, 3) of each speaker to two numbers a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(3, 2)

    def forward(self, batch: Sentences) -> Tensor:
        assert isinstance(batch, Sentences) and isinstance(batch.words, PackedSequence)
        return self.cell(batch.words)[1][0] + batch.speaker[:, None]


def test_inputs_may_be_packed_sequences_in_a_named_tuple():
    torch.manual_seed(0)
    words = pack_sequence([torch.ones(4, 3), torch.zeros(2, 3)])
    data = [(Sentences(words, torch.zeros(2)), torch.tensor([0, 1]))]
    model = Tagger()
    history = training.fit(model, data, optimizer=sgd(model), epochs=3)
    assert history.step_loss[2] < history.step_loss[0]


def test_a_packed_sequence_moves_to_another_device_without_its_batch_sizes():
    words = pack_sequence([torch.ones(4, 3), torch.zeros(2, 3)])
    moved = training._moved(words, torch.device("meta"), torch.contiguous_format)
    assert moved.data.device.type == "meta" and moved.batch_sizes.device.type == "cpu"  # as every recurrent cell wants


def test_targets_may_be_a_packed_sequence():
    """Its examples are its items: two batches of 6 and 2 count three to one."""
    data = [(pack_sequence([torch.ones(n, 3)]), pack_sequence([torch.full((n,), n // 2)])) for n in (6, 2)]

    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, inputs: PackedSequence) -> PackedSequence:
            return inputs._replace(data=inputs.data * self.weight)

    def mean_target(outputs: PackedSequence, targets: PackedSequence) -> Tensor:
        return targets.data.float().mean() + 0 * outputs.data.sum()

    assert training.evaluate(First(), data, loss=mean_target, accuracy=None).loss == (6 * 3 + 2 * 1) / 8


def test_a_batch_may_hold_what_is_no_tensor():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, named: list[Any]) -> Tensor:
            assert named[0] == "a name"
            return self.layer(named[1])

    assert training.evaluate(Named(), [(["a name", torch.ones(1, 3)], torch.tensor([0]))]).loss > 0


def test_evaluating_on_nothing_is_an_error():
    model, _ = small_problem()
    with pytest.raises(ValueError, match="no batch to evaluate"):
        training.evaluate(model, [])
    assert model.training


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


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "float32")])
def test_bfloat16_is_chosen_only_where_the_gpu_has_it(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert training.fast_precision(torch.device("cuda")) == expected


@pytest.mark.parametrize(("instructions", "expected"), [({"avx512_bf16": True}, "bf16"), ({}, "float32")])
def test_bfloat16_is_chosen_only_where_the_processor_has_it(monkeypatch, instructions, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert training.fast_precision(torch.device("cpu")) == expected
