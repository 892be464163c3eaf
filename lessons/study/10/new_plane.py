"""How should the weights of a new input plane begin, when a pretrained network is fine-tuned with it?

    python lessons/study/10/new_plane.py

Task, network and training are those of lesson 10: a network pretrained on five classes of garments is fine-tuned for
100 steps on 5 or 20 pictures of each of five others. Here each picture comes with a second plane: the garment's mask,
once as it is, which resembles a picture, and once with rows and columns in a fixed random order, which does not. The
samples are drawn from the first half of the target's training pictures; accuracy is that of the second half. Nothing is
chosen, and the test set is not looked at. Stored beside this file: the accuracy of five samples for each plane, number
of pictures and start. Five minutes on one core.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import typer
from torch import Tensor, nn

from course_tools.notebook_code import definitions
from course_utils.command import app, notebooks
from course_utils.data import fashion_mnist
from course_utils.data.image_set import ImageSet

TABLE = Path(__file__).with_suffix(".json")
SEEDS = range(5)
SHOTS = (5, 20)  # pictures of each class
SMALL = 0.1  # of the old kernels' standard deviation

lesson = definitions(Path(__file__).resolve().parents[2] / "10_transfer_side_information.ipynb")


def zero(old: Tensor) -> Tensor:
    """The old kernel (O, 1, h, w) with weights of zero for the new plane: (O, 2, h, w); so are all starts below."""
    return torch.cat([old, torch.zeros_like(old)], dim=1)


def small_random(old: Tensor) -> Tensor:
    """A tenth of the old kernels' spread for the new plane."""
    return torch.cat([old, SMALL * old.std() * torch.randn_like(old)], dim=1)


def default(old: Tensor) -> Tensor:
    """What torch draws for a layer of two planes."""
    drawn = nn.Conv2d(2, len(old), old.shape[-1]).weight.detach()
    return torch.cat([old, drawn[:, 1:]], dim=1)


def repeated(old: Tensor) -> Tensor:
    """The old kernel for both planes, halved, as timm's `adapt_input_conv` has it."""
    return torch.cat([old, old], dim=1) / 2


def shuffled(old: Tensor) -> Tensor:
    """The control: the same numbers for the new plane in random order, halved. Scale without structure."""
    order = torch.randperm(old.numel())
    return torch.cat([old, old.flatten()[order].view_as(old)], dim=1) / 2


STARTS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": zero,
    "small random": small_random,
    "torch's default": default,
    "repeated and halved": repeated,
    "shuffled and halved": shuffled,
}


def permuted(mask: Tensor) -> Tensor:
    """The rows and the columns of masks (N, 1, H, W) in an order that no picture has, the same for all."""
    order = torch.Generator().manual_seed(0)
    rows, columns = (torch.randperm(side, generator=order) for side in mask.shape[2:])
    return mask[:, :, rows][:, :, :, columns]


def adapted(pretrained: nn.Module, start: Callable[[Tensor], Tensor], seed: int) -> nn.Module:
    """The pretrained network with a new head and a first layer that takes two planes."""
    model = lesson.with_new_head(pretrained, seed)
    first = model.encoder[0][0]
    model.encoder[0][0] = lesson.with_weight(first, start(first.weight.detach()))
    return model


def accuracy(model: nn.Module, sample: ImageSet, unseen: ImageSet, seed: int) -> float:
    """Of the fine-tuned model, on pictures that are not in the sample."""
    lesson.train(model, sample, [{"params": model.parameters(), "lr": 0.05}], steps=100, seed=seed)
    return round(lesson.score(model, unseen), 4)


def main() -> None:
    """Pretrain once, fine-tune from every start, and store the table."""
    generator = torch.Generator().manual_seed(0)
    training_set = fashion_mnist.load()[0]
    source, target = (lesson.chosen(training_set, classes) for classes in (lesson.SOURCE, lesson.TARGET))
    three_walls = torch.cat([lesson.on_walls(source.images, generator) for _ in range(3)])
    source = replace(source, images=three_walls, labels=source.labels.repeat(3))
    mask = (target.images > 0.1).float() - 0.5
    target = replace(target, images=lesson.on_walls(target.images, generator))
    pretrained = lesson.fresh(0, "cpu")
    groups = [{"params": pretrained.parameters(), "lr": 0.1}]
    lesson.train(pretrained, source, groups, steps=450, seed=0, batch=128)

    half = len(target) // 2
    table: dict[str, dict[str, list[float]]] = {}
    for plane, second in {"mask": mask, "mask, permuted": permuted(mask)}.items():
        both = replace(target, images=torch.cat([target.images, second], dim=1))
        for shots in SHOTS:
            rows: dict[str, list[float]] = {name: [] for name in (*STARTS, "from scratch", "without the plane")}
            for seed in SEEDS:
                first_half, unseen = (
                    replace(both, images=both.images[part], labels=both.labels[part])
                    for part in (slice(half), slice(half, None))
                )
                sample = lesson.few(first_half, shots, torch.Generator().manual_seed(seed))
                models = {name: adapted(pretrained, start, seed) for name, start in STARTS.items()}
                scratch = lesson.fresh(seed, "cpu")
                scratch.encoder[0][0] = nn.Conv2d(2, 16, 3, stride=2, padding=1, bias=False)
                models["from scratch"] = scratch
                for name, model in models.items():
                    rows[name].append(accuracy(model, sample, unseen, seed))
                grey, grey_unseen = (replace(each, images=each.images[:, :1]) for each in (sample, unseen))
                model = lesson.with_new_head(pretrained, seed)
                rows["without the plane"].append(accuracy(model, grey, grey_unseen, seed))
            table[f"{plane}, {shots} of each class"] = rows
            for name, values in rows.items():
                typer.echo(f"{plane}, {shots}: {name}: {values}")
    notebooks.write_text(TABLE, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
