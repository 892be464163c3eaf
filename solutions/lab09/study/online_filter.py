"""A filter of intra predictions that learns while decoding: one network for all block sizes or one each, and policies.

    python solutions/lab09/study/online_filter.py --seeds 3 --write

The codec is `codec.closed_loop`. The networks learn from what it predicts on the training crops of the first twelve
photographs; the last three choose learning rate and threshold. Then the twelve test pictures (their upper left corner,
512×512 pixels at most) are coded at four QPs under each policy. `--write` stores the table beside this file and the
network of the first seed among the course's data: lab 09 uses both. Each job runs on one CPU thread, two at a time.
"""

import hashlib
import itertools
import json
import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_utils import embedded
from course_utils.codec import blocks, closed_loop, metrics, online_filter, transforms
from course_utils.codec.online_filter import Policy, PredictionNet
from course_utils.codec.quantisation import TEST_QPS
from course_utils.command import app, notebooks
from course_utils.data import codec_pictures

TABLE = Path(__file__).with_suffix(".json")
SIZES = (4, 8, 16)
TRAINING_CROPS = 192  # of the first twelve photographs; the crops of the other three are for choices
STEPS, BATCH, PEAK_RATE = 1800, 256, 2e-3
LEARNING_RATES = (0.0, 3e-3, 1e-2, 3e-2)
THRESHOLDS = (0.0, -0.02, -0.04)
HARM = 0.5  # percent of SATD that no picture may lose

KINDS = ("one for all", "size hidden", "one for each")
LEARNS = "learns, control group"
DATA_FILE = "online_filter_blocks.pt"
POLICIES = {  # beside these the one that learns, as each seed's grid chose it
    "always on": online_filter.ALWAYS,
    "trusts itself": online_filter.SELF_TRUSTING,
    "control group": online_filter.CONTROLLED,
    "learns or filters": online_filter.LEARN_OR_FILTER,
}

Samples = dict[int, list[Tensor]]  # by block size: surroundings and which are inside, originals, QPs


# --- networks


def samples(crops: Tensor) -> Samples:
    """What the plain codec predicts on `crops` (N, 128, 128) at every block size and QP; for 4×4 at one QP by turns."""
    found = {}
    for size in SIZES:
        parts = []
        for index, crop in enumerate(crops):
            for qp in TEST_QPS if size > 4 else (TEST_QPS[index % len(TEST_QPS)],):
                coded = closed_loop.encode(crop, qp, size=size)
                rows, columns = coded.modes.shape
                grid = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
                prediction = blocks.cut(coded.predicted, size).flatten(0, 1)
                pixels, inside = online_filter.surroundings(coded.decoded, grid, prediction)
                original = blocks.cut(crop, size).flatten(0, 1)
                parts.append((pixels.to(torch.uint8), inside, original, torch.full((len(grid),), qp)))
        found[size] = [torch.cat(each) for each in zip(*parts, strict=True)]
    return found


def trained(data: Samples, sizes: Sequence[int], *, steps: int, seed: int, knows_size: bool = True) -> PredictionNet:
    """A network trained on `sizes` by turns: Adam, one cycle; the loss is SATD to the original by SATD without it."""
    torch.manual_seed(seed)
    net = PredictionNet(knows_size=knows_size)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.05)
    turns = itertools.cycle(sizes)
    for _ in range(steps):
        pixels, inside, original, qp = data[next(turns)]
        chosen = torch.randint(len(pixels), (BATCH,))
        filtered, plain = _satds(net, pixels[chosen], inside[chosen], original[chosen], qp[chosen])
        optimizer.zero_grad()
        (filtered / plain).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def _satds(net: PredictionNet, pixels: Tensor, inside: Tensor, original: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
    """SATD to the originals with the network and without it, summed over blocks."""
    plain = pixels[:, online_filter.MARGIN :, online_filter.MARGIN :].long() - original.long()
    return transforms.satd(net(pixels, inside, qp) - original).sum(), transforms.satd(plain).sum()


@torch.no_grad()
def saved(net: PredictionNet, data: Samples) -> dict[str, float]:
    """Change of SATD in percent for each block size, over all blocks in `data`."""
    change = {}
    for size, parts in data.items():
        pairs = [_satds(net, *chunk) for chunk in zip(*(part.split(2048) for part in parts), strict=True)]
        filtered, plain = (sum(each) for each in zip(*pairs, strict=True))
        change[str(size)] = round(100 * (filtered / plain - 1).item(), 3)
    return change


# --- the closed loop


def mosaics() -> list[Tensor]:
    """Three pictures (512, 512) of the sixteen crops of each photograph that no network was trained on."""
    crops = codec_pictures.training()[TRAINING_CROPS:]
    return [blocks.join(own.view(4, 4, *own.shape[1:])) for own in crops.split(codec_pictures.CROPS_PER_SOURCE)]


def measure(picture: Tensor, qp: int, filter: closed_loop.PredictionFilter | None = None) -> tuple[float, float, float]:
    """SATD of the residual over the picture (H, W) uint8, bits and PSNR of the toy codec."""
    coded = closed_loop.encode(picture, qp, filter=filter)
    residual = blocks.cut(picture.long() - coded.filtered, 8)
    quality = metrics.psnr(coded.decoded.to(torch.uint8)[None], picture[None]).item()
    return transforms.satd(residual).sum().item(), closed_loop.bits(coded), quality


def grid(net: PredictionNet) -> dict[str, list[float]]:
    """Change of SATD on the three validation mosaics at QP 32, in percent, by "learning rate, threshold"."""
    pictures = mosaics()
    plain = [measure(picture, 32)[0] for picture in pictures]
    table = {}
    for rate, threshold in itertools.product(LEARNING_RATES, THRESHOLDS):
        filter = online_filter.OnlineFilter(net, Policy(threshold=threshold, learning_rate=rate))
        satds = [measure(picture, 32, filter)[0] for picture in pictures]
        table[f"{rate:g}, {threshold:g}"] = [round(100 * (s / p - 1), 3) for s, p in zip(satds, plain, strict=True)]
    return table


def chosen(table: dict[str, list[float]]) -> Policy:
    """The setting of the best mean in `grid`'s table among those under which no mosaic loses more than `HARM`."""
    allowed = {key: statistics.mean(changes) for key, changes in table.items() if max(changes) <= HARM}
    rate, threshold = map(float, min(allowed, key=allowed.get).split(", "))
    return Policy(threshold=threshold, learning_rate=rate)


def plain_curves() -> dict[str, list]:
    """By picture: SATD, bits and PSNR at each QP, without a filter."""
    return {
        name: [measure(picture, qp) for qp in TEST_QPS] for name, picture in codec_pictures.held_out_corners().items()
    }


def curves(net: PredictionNet, policy: Policy, plain: dict[str, list]) -> dict[str, dict]:
    """By picture: SATD and bits against the plain codec at each QP, BD-rate, share of blocks filtered."""
    found = {}
    filter = online_filter.OnlineFilter(net, policy)
    for name, picture in codec_pictures.held_out_corners().items():
        points, shares = [], []
        for qp in TEST_QPS:
            points.append(measure(picture, qp, filter))
            shares.append(filter.used / filter.seen)
        (old_satd, old_bits, old_psnr), (satd, bits, psnr) = (
            list(zip(*each, strict=True)) for each in (plain[name], points)
        )
        found[name] = {
            "satd": [round(100 * (a / b - 1), 3) for a, b in zip(satd, old_satd, strict=True)],
            "bits": [round(100 * (a / b - 1), 3) for a, b in zip(bits, old_bits, strict=True)],
            "bd_rate": round(metrics.bd_rate(old_bits, old_psnr, bits, psnr), 3),
            "on": [round(each, 3) for each in shares],
        }
    return found


def summary(pictures: dict[str, dict]) -> str:
    """One line: SATD at QP 32 and over all QPs, and BD-rate; mean and worst picture."""
    at_32 = [each["satd"][TEST_QPS.index(32)] for each in pictures.values()]
    every = [value for each in pictures.values() for value in each["satd"]]
    rates = [each["bd_rate"] for each in pictures.values()]
    parts = {"SATD at 32": at_32, "at all QPs": every, "BD-rate": rates}
    return ", ".join(f"{name} {statistics.mean(each):+.2f} % (worst {max(each):+.2f})" for name, each in parts.items())


# --- the study


def prepare(path: Path) -> None:
    """Write what all seeds share: training and validation blocks, and the curves of the plain codec."""
    crops = codec_pictures.training()
    parts = {"training": samples(crops[:TRAINING_CROPS]), "validation": samples(crops[TRAINING_CROPS:])}
    torch.save({**parts, "plain": plain_curves()}, path)


def train(folder: Path, kind: str, seed: int) -> dict[str, float]:
    """`saved` of one kind of network in equal time: "one for all" sizes, "size hidden" from it, "one for each"."""
    data = torch.load(folder / DATA_FILE)
    training, validation = data["training"], data["validation"]
    if kind == "one for each":
        own = {size: trained(training, [size], steps=STEPS // len(SIZES), seed=seed) for size in SIZES}
        return {size: change for n, net in own.items() for size, change in saved(net, {n: validation[n]}).items()}
    net = trained(training, SIZES, steps=STEPS, seed=seed, knows_size=kind == "one for all")
    if net.knows_size:
        save_file(net.state_dict(), folder / f"online_filter_{seed}.safetensors")
    return saved(net, validation)


def network(folder: Path, seed: int) -> PredictionNet:
    """The network that `train` left in `folder`."""
    net = PredictionNet()
    net.load_state_dict(load_file(folder / f"online_filter_{seed}.safetensors"))
    return net.eval()


def run(seeds: int, folder: Path, say: Callable[[str], None] = print) -> dict:
    """The study with seeds 0 to `seeds` - 1, two jobs at a time; networks and blocks stay in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    one_thread = {"mp_context": multiprocessing.get_context("spawn"), "initializer": torch.set_num_threads}
    with ProcessPoolExecutor(2, initargs=(1,), **one_thread) as pool:
        if not (folder / DATA_FILE).is_file():
            say("coding the training crops and the test pictures")
            pool.submit(prepare, folder / DATA_FILE).result()
        plain = torch.load(folder / DATA_FILE)["plain"]
        jobs = {(kind, seed): pool.submit(train, folder, kind, seed) for kind in KINDS for seed in range(seeds)}
        networks = {kind: [] for kind in KINDS}
        for (kind, seed), job in jobs.items():
            networks[kind].append(job.result())
            say(f"{kind}, seed {seed}: {job.result()}")
        nets = [network(folder, seed) for seed in range(seeds)]
        grids = list(pool.map(grid, nets))
        choices = [chosen(each) for each in grids]
        say("\n".join(map(str, zip(grids, choices, strict=True))))
        policies = {**POLICIES, LEARNS: choices}
        jobs = {
            (label, seed): pool.submit(curves, nets[seed], policy[seed] if label == LEARNS else policy, plain)
            for label, policy in policies.items()
            for seed in range(seeds)
        }
        found = {label: [] for label in policies}
        for (label, seed), job in jobs.items():
            found[label].append(job.result())
            say(f"{label}, seed {seed}: {summary(job.result())}")
    return {
        "qps": list(TEST_QPS),
        "sizes": list(SIZES),
        "steps": STEPS,
        "networks": networks,
        "grids": grids,
        "chosen": [{"learning_rate": each.learning_rate, "threshold": each.threshold} for each in choices],
        "policies": found,
    }


def write(table: dict, folder: Path) -> str:
    """Store `run`'s table and the network of its first seed in the course; says what is left to do."""
    notebooks.write_text(TABLE, json.dumps(table, indent=1) + "\n")
    weights = (folder / "online_filter_0.safetensors").read_bytes()
    (embedded.FOLDER / online_filter.SHIPPED_FILE).write_bytes(weights)
    return f"wrote {TABLE.name}; set SHIPPED_SHA256 to {hashlib.sha256(weights).hexdigest()}"


def main(
    seeds: Annotated[int, typer.Option(min=1, max=5, help="How often to train each network.")] = 3,
    out: Annotated[Path, typer.Option(help="Folder for blocks and networks; blocks in it are used again.")] = Path(
        "build/online_filter"
    ),
    store: Annotated[
        bool, typer.Option("--write", help="Store the table beside this file, the network in the course.")
    ] = False,
) -> None:
    """Filter intra predictions while decoding: 50 minutes on two cores."""
    table = run(seeds, out, say=typer.echo)
    if store:
        typer.echo(write(table, out))


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
