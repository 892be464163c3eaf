"""Time to 0.91 on the whole of Fashion-MNIST: one small net trained our way, and two ways that tutorials show.

- ours: data in memory, indexed; whole-batch flips; OneCycle; channels_last; bfloat16 where the hardware has it
- the same net and the same number of steps through a plain `DataLoader` with transforms, in float32
- the recipe of a well-known textbook (Zhang et al., *Dive into Deep Learning*, 2020 edition, section 7.6), written anew
  from its description: ResNet-18 on pictures enlarged to 96×96, batches of 256, plain SGD at 0.05, ten epochs
"""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from course_tools.bench.page import Comparison
from course_utils import runtime, training
from course_utils.data import fashion_mnist
from course_utils.data.image_set import ImageSet
from course_utils.errors import CourseError

GOAL = 0.91
BATCH = 128
STEPS = 780  # less than two passes over 60,000 pictures
PEAK = 0.15
TEXTBOOK_EPOCHS, TEXTBOOK_BATCH, TEXTBOOK_SIDE, TEXTBOOK_RATE = 10, 256, 96, 0.05
WORKERS = 2


def net() -> nn.Sequential:
    """Three blocks of two convolutions, 24, 48 and 64 channels wide: (N, 1, 28, 28) to (N, 10), 102 k weights."""
    layers: list[nn.Module] = []
    width = 1
    for channels in (24, 48, 64):
        layers += [nn.Conv2d(width, channels, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(channels), nn.GELU()]
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.GELU()]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


class Flipped:
    """Mini-batches of a set in memory, every second one mirrored; ends after `steps`, whatever the passes."""

    def __init__(self, images: ImageSet, steps: int, generator: torch.Generator) -> None:
        self.batches = images.batches(batch_size=BATCH, shuffle=True, generator=generator)
        self.steps, self.generator = steps, generator

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        left = self.steps
        while left:
            for images, labels in self.batches:
                flip = torch.rand((), generator=self.generator) < 0.5
                yield images.flip(3) if flip else images, labels
                left -= 1
                if not left:
                    return


def smoothed(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy with a tenth of each target shared among all classes."""
    return F.cross_entropy(outputs, targets, label_smoothing=0.1)


def our_way(train: ImageSet, test: ImageSet, device: torch.device, seed: int, steps: int) -> tuple[float, float]:
    """Seconds of training and test accuracy of one run."""
    generator = runtime.seed(seed)
    model = net().to(device)
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 5e-4}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=PEAK, momentum=0.9, nesterov=True)
    precision = training.fast_precision(device)
    record = training.fit(
        model,
        Flipped(train, steps, generator),
        optimizer=optimizer,
        epochs=1,
        schedule=training.one_cycle(optimizer, steps=steps),
        loss=smoothed,
        precision=precision,
        channels_last=True,
    )
    return record.seconds, training.evaluate(model, test.batches(batch_size=1000), precision=precision).accuracy


def tutorial_transform() -> list[nn.Module]:
    """From PIL to a tensor in [0, 1], mirrored at random first."""
    return [v2.RandomHorizontalFlip(), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]


class Pictures(Dataset[tuple[Tensor, int]]):
    """Pictures as a tutorial's data set holds them: PIL, transformed one by one."""

    def __init__(self, images: ImageSet, transform: Callable[[Any], Tensor]) -> None:
        self.pixels = (255 * images.images.cpu()).round().to(torch.uint8)
        self.labels, self.transform = images.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(v2.functional.to_pil_image(self.pixels[index])), self.labels[index]


def plain_step_seconds(
    model: nn.Module, loader: DataLoader[tuple[Tensor, int]], rate: float, device: torch.device, steps: int
) -> float:
    """Median seconds of a step of the loop that every tutorial shows, loading included, `steps` after three."""
    model.to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    times, batches = [], iter(loader)
    for _ in range(steps + 3):
        started = time.perf_counter()
        images, labels = next(batches)
        images, labels = images.to(device), labels.to(device)
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # the running mean of a tutorial; on a GPU it waits at every step
        times.append(time.perf_counter() - started)
    return median(times[3:])


def textbook_net() -> nn.Module:
    """torchvision's ResNet-18 for pictures with one channel and ten classes."""
    model = torchvision.models.resnet18(num_classes=10)
    model.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return model


def run(
    seeds: int = 5, *, device: torch.device, timed_steps: int = 10, say: Callable[[str], None] = print
) -> tuple[list[Comparison], str]:
    """The comparisons, and a note. Raises `CourseError` where a run of ours misses the goal."""
    train, test = (
        part.to(device).normalized(fashion_mnist.MEAN, fashion_mnist.STD) for part in fashion_mnist.load(full=True)
    )
    our_way(train, test, device, seed=0, steps=20)  # the first steps of a process pay for set-up
    runs = []
    for seed in range(seeds):
        runs.append(our_way(train, test, device, seed, STEPS))
        say(f"seed {seed}: {runs[-1][0]:.1f} s, test accuracy {runs[-1][1]:.4f}")
    worst = min(accuracy for _, accuracy in runs)
    if worst < GOAL:
        raise CourseError(f"one of {seeds} runs ended at {worst:.4f}, below {GOAL}: nothing to compare")
    seconds = median(seconds for seconds, _ in runs)

    raw, _ = fashion_mnist.load(full=True)
    small = v2.Compose(tutorial_transform())
    large = v2.Compose([v2.Resize(TEXTBOOK_SIDE), *tutorial_transform()[1:]])
    loader = DataLoader(Pictures(raw, small), batch_size=BATCH, shuffle=True, num_workers=WORKERS)
    plain = plain_step_seconds(net(), loader, PEAK, device, 20 * timed_steps)
    say(f"plain loop: {1000 * plain:.0f} ms a step")
    loader = DataLoader(Pictures(raw, large), batch_size=TEXTBOOK_BATCH, shuffle=True, num_workers=WORKERS)
    textbook = plain_step_seconds(textbook_net(), loader, TEXTBOOK_RATE, device, timed_steps)
    textbook_steps = TEXTBOOK_EPOCHS * -(-len(raw) // TEXTBOOK_BATCH)
    say(f"textbook: {textbook:.2f} s a step, {textbook_steps} steps")
    accuracies = f"{worst:.4f} to {max(accuracy for _, accuracy in runs):.4f}"
    note = (
        f"Ours: {STEPS} steps of {BATCH}, {seeds} seeds, test accuracy {accuracies}. Our loop explains a factor of "
        f"{plain * STEPS / seconds:.1f}; the rest is a net and pictures of the task's size. The two others were not "
        f"trained to their end: a step's median ({20 * timed_steps} and {timed_steps} steps) times the number of "
        "steps. What accuracy the textbook's recipe reaches was not measured."
    )
    rows = [
        Comparison(
            "ResNet-18 at 96×96, ten epochs",
            seconds,
            textbook * textbook_steps,
            ours_is="our net",
            other_is="textbook's recipe",
        ),
        Comparison(
            "same net and steps, plain DataLoader", seconds, plain * STEPS, ours_is="our loop", other_is="plain loop"
        ),
    ]
    return rows, note
