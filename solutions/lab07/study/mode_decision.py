"""Which of HEVC's 35 intra modes? Quick costs, and networks trained on their labels, against a full search by J.

    python solutions/lab07/study/mode_decision.py --seeds 3 --write

Training blocks are cut from the 240 training crops, test blocks from the twelve test pictures, which have other
sources. Every block has 8×8 pixels and is predicted from its original neighbours (open loop). J is SSE + λ·bits, the
bits 3 for each unit of the rate proxy. A loss is the sum of J over all test blocks with the chosen modes against that
with the best ones, in percent. Networks, learning rate and temperature were chosen on three of the fifteen training
photographs, kept out of a trial training; the test pictures had no part in it. `--write` stores the table beside this
file: lab 07 quotes it.
"""

import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from course_utils.codec import blocks, intra, quantisation, transforms
from course_utils.codec.quantisation import TEST_QPS
from course_utils.command import app, notebooks
from course_utils.data import codec_pictures
from course_utils.errors import CourseError

TABLE = Path(__file__).with_suffix(".json")
SIZE = 8
COSTS = ("SAD", "SSE", "SATD", "DCT-L1", "log-cost")
LABELS = ("SAD", "SATD", "DCT-L1", "log-cost", "RD")
TEMPERATURE = 0.3  # of soft targets, in units of the mean distance between a block's mean cost and its least
STEPS, LONG_STEPS, BATCH, PEAK_RATE = 2000, 5000, 256, 4e-3
TRIED = (1, 3, 8)
STUDENT_T = {2: 4.303, 3: 3.182, 4: 2.776}  # 97.5 % quantile by degrees of freedom


# --- blocks and their costs


def blocks_of(pictures: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Blocks (N, 8, 8) of luma pictures (H, W) uint8, and their reference samples (N, 33), uint8 both."""
    padded = [blocks.pad(picture, SIZE) for picture in pictures]
    originals = [blocks.cut(picture, SIZE).flatten(0, 1) for picture in padded]
    samples = [intra.references(picture, SIZE, ctu=SIZE).to(torch.uint8) for picture in padded]
    return torch.cat(originals), torch.cat(samples)


def rate_distortion(coefficients: Tensor, prediction: Tensor, original: Tensor, qp: int) -> Tensor:
    """J of blocks as vectors of 64, coefficients of the residual row by row: (…, 64) to (…)."""
    levels = quantisation.quantise(coefficients, qp)
    decoded = (prediction + quantisation.dequantise(levels, qp) @ _DCT).clamp(0, 255)
    distortion = (original - decoded).square().sum(dim=-1)
    bits = quantisation.BITS_PER_UNIT * torch.log2(1 + levels.abs()).sum(dim=-1)
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# A two-dimensional transform of an 8×8 block is one product with a 64×64 matrix: far quicker for many small blocks.
_DCT = torch.kron(*[transforms.dct_matrix(SIZE, dtype=torch.float32)] * 2)
_HADAMARD = torch.kron(*[transforms.hadamard_matrix(SIZE, dtype=torch.float32)] * 2)


def all_costs(originals: Tensor, samples: Tensor, chunk: int = 512) -> dict[str, Tensor]:
    """By cost, what each of 35 modes costs each block: (N, 4, 35), the QPs of `TEST_QPS` in the second place."""
    found: dict[str, list[Tensor]] = {name: [] for name in (*COSTS, "RD")}
    for original, reference in zip(originals.split(chunk), samples.split(chunk), strict=True):
        prediction = intra.predict_all(reference).flatten(-2).float()  # (B, 35, 64)
        original = original.flatten(-2).float()[:, None]  # (B, 1, 64)
        residual = original - prediction
        coefficients = residual @ _DCT.T
        plain = {
            "SAD": residual.abs().sum(-1),
            "SSE": residual.square().sum(-1),
            "SATD": (residual @ _HADAMARD).abs().sum(-1) / 4,
            "DCT-L1": coefficients.abs().sum(-1),
        }
        for name, cost in plain.items():
            found[name].append(cost[:, None].expand(-1, len(TEST_QPS), -1))
        relative = [torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(-1) for qp in TEST_QPS]
        found["log-cost"].append(torch.stack(relative, dim=1))
        j = [rate_distortion(coefficients, prediction, original, qp) for qp in TEST_QPS]
        found["RD"].append(torch.stack(j, dim=1))
    return {name: torch.cat(parts) for name, parts in found.items()}


def loss(j: Tensor, ranking: Tensor, *, top: int = 1) -> list[float]:
    """Percent of J lost at each QP where the first `top` modes of `ranking` go through the search by J.

    j, ranking: (N, 4, 35); the least of `ranking` comes first.
    """
    first = ranking.topk(top, dim=-1, largest=False).indices
    chosen = j.gather(-1, first).amin(dim=-1)  # (N, 4)
    return (100 * (chosen.double().sum(0) / j.amin(dim=-1).double().sum(0) - 1)).tolist()


# --- networks


def pixels(originals: Tensor, samples: Tensor, qp: Tensor) -> Tensor:
    """What a network sees of blocks (N, 8, 8) with samples (N, 33) at QPs (N,): (N, 98) float32.

    64 pixels of the block, 33 samples, centred and scaled, and how the contrast compares with the quantisation step.
    """
    originals, samples = originals.float(), samples.float()
    seen = torch.cat([originals.flatten(1), samples], dim=1)
    seen = seen - samples.mean(dim=1, keepdim=True)
    contrast = seen.std(dim=1, keepdim=True) + 1
    steps = contrast.log2() - (qp[:, None] - 4) / 6
    return torch.cat([seen / contrast, steps / 2], dim=1)


def turned(originals: Tensor, samples: Tensor, cost: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Blocks over their diagonal, left and above exchanged: mode m becomes 36 - m, planar and DC stay."""
    return originals.mT, samples.flip(1), torch.cat([cost[:, :2], cost[:, 2:].flip(1)], dim=1)


class Logarithm(nn.Module):
    """log(1 + |x|), by which the bits of a coefficient grow."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.log1p(x.abs())


class Planes(nn.Module):
    """Pixels (N, 98) as planes (N, 6, 8, 8): the block, the samples left, above and beyond, repeated, and the step."""

    def forward(self, seen: Tensor) -> Tensor:
        block, samples, step = seen[:, :64].unflatten(1, (8, 8)), seen[:, 64:97], seen[:, 97:, None]
        left, below = samples[:, 8:16].flip(1)[:, :, None], samples[:, :8].flip(1)[:, :, None]
        above, right = samples[:, None, 17:25], samples[:, None, 25:]
        return torch.stack([each.expand_as(block) for each in (block, left, above, below, right, step)], dim=1)


def wide() -> nn.Sequential:
    """Pixels (N, 98) to 35 scores: one filter bank as large as the block and its samples, of 97 pixels and the step."""
    return nn.Sequential(nn.Linear(98, 1024), Logarithm(), nn.Linear(1024, 35))


def stacked() -> nn.Sequential:
    """Pixels (N, 98) to 35 scores: three layers of 3×3 filters, as in a network for whole pictures."""
    return nn.Sequential(
        Planes(),
        nn.Conv2d(6, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.Linear(128, 35),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {"wide": wide, "3×3": stacked}
# Network, label and steps; each with hard and with soft targets.
RUNS = [("wide", label, STEPS) for label in LABELS] + [("3×3", "RD", STEPS), ("wide", "RD", LONG_STEPS)]


def trained(
    name: str, originals: Tensor, samples: Tensor, cost: Tensor, *, soft: bool, steps: int, seed: int
) -> nn.Module:
    """Network `name` for all QPs that learned hard or soft targets of a cost (N, 4, 35)."""
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    model = NETWORKS[name]()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    temperature = TEMPERATURE * (cost.mean(dim=-1) - cost.amin(dim=-1)).mean(dim=0)  # (4,), one for each QP
    for step in range(steps):
        pick = torch.randint(len(originals), (BATCH,), generator=order)
        which = torch.randint(len(TEST_QPS), (BATCH,), generator=order)
        batch = originals[pick], samples[pick], cost[pick, which]  # (B, 8, 8), (B, 33), (B, 35)
        block, around, target = turned(*batch) if step % 2 else batch
        relative = -target / temperature[which, None]
        scores = model(pixels(block, around, torch.tensor(TEST_QPS)[which]))
        error = F.cross_entropy(scores, relative.softmax(dim=1) if soft else relative.argmax(dim=1))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def ranked(model: nn.Module, originals: Tensor, samples: Tensor) -> Tensor:
    """What the network thinks of each mode at each QP, the best least: (N, 4, 35)."""
    parts = list(zip(originals.split(2048), samples.split(2048), strict=True))
    scores = [
        torch.cat([model(pixels(block, around, torch.full((len(block),), qp))) for block, around in parts])
        for qp in TEST_QPS
    ]
    return -torch.stack(scores, dim=1)


# --- the study


def interval(values: Sequence[float]) -> list[float]:
    """Mean and half width of its 95 % interval by Student's t, over three to five seeds."""
    spread = statistics.stdev(values) / math.sqrt(len(values)) * STUDENT_T[len(values) - 1]
    return [round(statistics.mean(values), 3), round(spread, 3)]


def gains(found: dict[str, dict[int, list[float]]]) -> dict[str, list[float]]:
    """By label and network, how many points of J soft targets gain over hard ones: mean and half width, over seeds."""
    pairs = {name: name.replace("soft", "hard") for name in found if ", soft, " in name}
    return {
        soft.replace(" soft,", ""): interval([a - b for a, b in zip(found[hard][1], found[soft][1], strict=True)])
        for soft, hard in pairs.items()
    }


def study(seeds: Sequence[int], *, say: Callable[[str], None] = print) -> dict:
    """The whole table: J lost by quick costs, by short lists, and by networks (mean and half width over the seeds).

    Raises `CourseError` for fewer than three or more than five different seeds.
    """
    if len(set(seeds)) - 1 not in STUDENT_T:
        raise CourseError(f"an interval needs three to five different seeds, not {len(set(seeds))}")
    seeds = sorted(set(seeds))
    test_blocks, test_samples = blocks_of(list(codec_pictures.held_out().values()))
    costs = all_costs(test_blocks, test_samples)
    j = costs["RD"]
    table: dict = {"qps": TEST_QPS, "test_blocks": len(j), "seeds": seeds}
    table["costs"] = {name: [round(each, 3) for each in loss(j, costs[name])] for name in COSTS}
    table["tried"] = {
        name: {str(top): [round(each, 3) for each in loss(j, costs[name], top=top)] for top in (2, 3, 5, 8)}
        for name in ("SATD", "log-cost")
    }
    say(json.dumps(table))
    training_blocks, training_samples = blocks_of(list(codec_pictures.training()))
    costs = all_costs(training_blocks, training_samples)
    found: dict[str, dict[int, list[float]]] = {}
    for seed, (network, label, steps), soft in itertools.product(seeds, RUNS, (False, True)):
        started = time.process_time()
        model = trained(network, training_blocks, training_samples, costs[label], soft=soft, steps=steps, seed=seed)
        seconds = time.process_time() - started
        ranking = ranked(model, test_blocks, test_samples)
        means = {top: statistics.mean(loss(j, ranking, top=top)) for top in TRIED}
        name = f"{label}, {'soft' if soft else 'hard'}, {network}, {steps} steps"
        for top, value in means.items():
            found.setdefault(name, {}).setdefault(top, []).append(value)
        say(
            f"seed {seed}: {name}: "
            + ", ".join(f"{top} tried {v:.2f} %" for top, v in means.items())
            + f", {seconds:.0f} s"
        )
    table["networks"] = {
        name: {str(top): interval(values) for top, values in by_top.items()} for name, by_top in found.items()
    }
    table["soft against hard"] = gains(found)
    return table


def main(
    seeds: Annotated[int, typer.Option(min=3, max=5, help="How often to train each network.")] = 3,
    write: Annotated[bool, typer.Option("--write", help="Store the table beside this file.")] = False,
) -> None:
    """Choose intra modes by costs and by networks: a quarter of an hour on one core."""
    table = json.dumps(study(range(seeds), say=typer.echo), indent=1)
    typer.echo(table)
    if write:
        notebooks.write_text(TABLE, table + "\n")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
