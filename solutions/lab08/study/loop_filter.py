"""Loop filters trained on the same data for the same time: ours, VRCNN, and the controls.

    python solutions/lab08/study/loop_filter.py --prepare --data filter.safetensors
    python solutions/lab08/study/loop_filter.py --data filter.safetensors --device cuda --minutes 4 --seeds 3

The first command needs the encoder, the second nothing but the file. Each network leaves a checkpoint and a JSON file
of figures, written again and again while it trains, so that a run that is stopped has lost little.

The shipped network was made in three stages, each with `--network residual` and a file of its own. The folders come
from `photographs.py` beside this file; `--start` names the network of the stage before.

    --prepare --pictures FOLDER-OF-15 --crops 500 250 170, then --device cuda --minutes 3
    --prepare --pictures FOLDER-OF-45 --crops 1200 600 400, then --minutes 25 --start FIRST
    --prepare --pictures FOLDER-OF-162, then --minutes 45 --start SECOND

Stage one had each crop at all seven QPs, which `--prepare` no longer does where there is a folder.
"""

import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Annotated

import controls
import filter_training
import stored_data
import torch
import typer
from torch import Tensor, nn

from course_tools.authoring import crops
from course_tools.bench import page
from course_tools.bench.page import Comparison
from course_utils import runtime
from course_utils.codec.loop_filter import evaluation, filter_data, networks
from course_utils.codec.quantisation import TEST_QPS
from course_utils.command import app
from course_utils.data import codec_pictures
from course_utils.errors import CourseError

# What fits the device: a GPU wants large batches, a CPU many steps. Found on the training sources alone.
RECIPES = {
    "cuda": {"batch": 64, "side": 64, "learning_rate": 2e-3},
    "cpu": {"batch": 16, "side": 32, "learning_rate": 2e-3},
}
TUNING = {"batch": 8, "side": 64, "learning_rate": 1e-3}  # for a network that has been trained before
SHRINKS = (2, 3, 4)  # how many times smaller the photographs are made
CROPS = (3000, 1600, 800)  # taken at each of these sizes at most, of all photographs together
COMPARED = ("residual", "vrcnn")
LOOKS = {"cuda": 5, "cpu": 1}  # how many times a training network is tested; on a CPU a test takes half a minute


def prepare(path: Path, pictures: Path | None = None, most: Sequence[int] = CROPS) -> str:
    """Write the data file: the course's own training crops, and more from a folder of pictures. Returns a summary.

    Without `pictures` each of the 240 crops is coded at all of `filter_data.TRAINING_QPS`; with them up to 5,640
    crops are, each at one of these QPs: twenty times as many to see for a file four times as large.
    most: how many crops to take at each of the sizes `SHRINKS`
    """
    if pictures is None:
        data = filter_data.prepare(codec_pictures.training(), codec_pictures.held_out())
    else:
        chosen = more_crops(pictures, most)
        order = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))
        qps = torch.tensor(filter_data.TRAINING_QPS)[order % len(filter_data.TRAINING_QPS)]
        data = filter_data.prepare(chosen, codec_pictures.held_out(), qps=qps[None])
    path.parent.mkdir(parents=True, exist_ok=True)
    stored_data.save(data, path)
    return f"{path}: {len(data.originals)} crops, each at {len(data.qps)} QPs, {path.stat().st_size / 1e6:.0f} MB"


def more_crops(folder: Path, most: Sequence[int] = CROPS) -> Tensor:
    """The course's training crops and those of the pictures in `folder` at three scales: (N, 128, 128) uint8."""
    chosen = [codec_pictures.training()]
    for shrink, count in zip(SHRINKS, most, strict=True):
        found = crops.from_folder(folder, shrink=shrink)
        found = found[crops.detail(found) > crops.LEAST_DETAIL]
        chosen.append(found[torch.linspace(0, len(found) - 1, min(count, len(found))).long()])
    return torch.cat(chosen)


def evaluated(net: nn.Module, data: filter_data.FilterData) -> evaluation.Evaluation:
    """Filter every test picture on the network's device, and measure it."""
    device = next(net.parameters()).device

    def apply(test: filter_data.TestPicture) -> Tensor:
        # One picture at a time, so that a small machine has the memory.
        pictures = zip(test.decoded, TEST_QPS, strict=True)
        return torch.cat([networks.filtered(net, picture[None].to(device), qp) for picture, qp in pictures])

    return evaluation.evaluate_pictures(apply, data)


def run(
    names: Sequence[str] = COMPARED,
    *,
    data: Path,
    out: Path,
    device: str = "cpu",
    minutes: float = 4.0,
    seeds: int = 1,
    start: Path | None = None,
) -> list[dict]:
    """Train each network with each seed for the same time; the records of `train_one`, in the order of names and seeds.

    On a GPU all train side by side and share it; on a CPU one after the other, with all threads.

    start: a checkpoint whose training goes on, in place of new networks; `names` holds the name of its network alone
    """
    for name in names:
        controls.build(name)  # an unknown name is found before anything is trained
    if start is not None and [kind := controls.load(start).name] != list(names):
        raise CourseError(f"{start} is a network of kind {kind!r}: train this kind, and no other")
    stored_data.load(data)
    jobs = [(name, seed) for name in names for seed in range(seeds)]
    options = {"data": data, "out": out, "device": device, "minutes": minutes, "start": start}
    if not device.startswith("cuda"):
        return [train_one(name, seed=seed, **options) for name, seed in jobs]
    context = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    with ProcessPoolExecutor(len(jobs), mp_context=context) as pool:
        running = {pool.submit(train_one, name, seed=seed, **options): (name, seed) for name, seed in jobs}
        finished = {running[each]: each.result() for each in as_completed(running)}
    return [finished[job] for job in jobs]


def table(records: Sequence[dict]) -> str:
    """The networks in lines: parameters, steps, and BD-rates as the mean over seeds with the smallest and largest."""
    lines = [f"{'network':10} {'parameters':>10} {'steps':>9}  {'against off':>24}  {'against deblocking + SAO':>26}"]
    for name in dict.fromkeys(record["network"] for record in records):
        own = [record for record in records if record["network"] == name]
        last = [record["looks"][-1] for record in own]
        steps = mean(look["steps"] for look in last)
        off, filtered = (_interval([look[key] for look in last]) for key in ("off", "filtered"))
        lines.append(f"{name:10} {own[0]['parameters']:10,} {steps:9,.0f}  {off:>24}  {filtered:>26}")
    return "\n".join(lines)


def comparison(records: Sequence[dict]) -> tuple[list[Comparison], str]:
    """BD-rates of the two networks in `COMPARED`, means over seeds, and a note."""
    last = {kind: [record["looks"][-1] for record in records if record["network"] == kind] for kind in COMPARED}
    rows = []
    for key, against in (("off", "filters off"), ("filtered", "deblocking and SAO")):
        ours, other = (mean(look[key] for look in last[kind]) for kind in COMPARED)
        rows.append(Comparison(f"BD-rate against {against}", ours, other, "%", "our net", "VRCNN", divides=False))
    note = f"Each trained for {records[0]['minutes']:g} minutes; seeds: {len(last['residual'])}."
    if len(last["residual"]) > 1:
        spread = "; ".join(f"{kind} {_interval([look['off'] for look in last[kind]])}" for kind in COMPARED)
        note += f" Against filters off, mean with least and greatest: {spread}."
    return rows, note


def _interval(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} % ({min(values):.2f} to {max(values):.2f})"


def train_one(
    name: str,
    *,
    data: Path,
    out: Path,
    device: str = "cpu",
    minutes: float = 4.0,
    seed: int = 0,
    start: Path | None = None,
) -> dict:
    """Train network `name` for `minutes` on the file `data`; write `out`/NAME-SEED.safetensors and .json.

    start: a checkpoint to go on from, in place of random weights

    Returns what the JSON file holds: seconds, steps, training loss and BD-rates in percent, per picture.
    """
    if minutes <= 0:
        raise CourseError(f"a training takes some minutes, not {minutes}")
    contents = stored_data.load(data)
    out.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(seed)
    net = controls.build(name) if start is None else controls.load(start)
    recipe = RECIPES["cuda" if device.startswith("cuda") else "cpu"] if start is None else TUNING
    looks = LOOKS["cuda" if device.startswith("cuda") else "cpu"]
    started, testing = time.perf_counter(), 0.0
    record = {
        "network": name,
        "seed": seed,
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu",
        "torch": torch.__version__,
        "minutes": minutes,
        "start": start and str(start),
        **recipe,
        "parameters": sum(each.numel() for each in net.parameters()),
        "looks": [],
    }

    def look(share: float, steps: int, loss: float, average: nn.Module) -> None:
        nonlocal testing
        if share < (len(record["looks"]) + 1) / looks:
            return
        seconds = time.perf_counter() - started - testing
        result = evaluated(average, contents)
        record["looks"].append(
            {"seconds": seconds, "steps": steps, "loss": loss, "off": result.off, "filtered": result.filtered}
        )
        record["result"] = asdict(result)
        controls.save(average, out / f"{name}-{seed}.safetensors", seed=str(seed), steps=str(steps))
        (out / f"{name}-{seed}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(
            f"{name} seed {seed}: {share:4.0%}, {seconds:.0f} s, {steps} steps, loss {loss:.4f}, "
            f"BD-rate {result.off:.2f} % against off, {result.filtered:.2f} % against deblocking + SAO",
            flush=True,
        )
        testing = time.perf_counter() - started - seconds

    filter_training.train(
        net,
        contents,
        device=device,
        seconds=60 * minutes,
        seed=seed,
        clock=lambda: time.perf_counter() - testing,
        on_progress=look,
        **recipe,
    )
    return record


def main(
    data: Annotated[Path, typer.Option(help="The file of coded pictures; written first by --prepare.")] = Path(
        "build/loop_filter.safetensors"
    ),
    prepare_data: Annotated[
        bool, typer.Option("--prepare", help="Write the file (takes the encoder), train nothing.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="With --prepare: a folder of photographs to take more crops from.")
    ] = None,
    crops: Annotated[
        tuple[int, int, int] | None,
        typer.Option(min=0, help="With --pictures: how many at most at 1/2, 1/3 and 1/4 of the photographs' size."),
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Which to train, again for each; default: residual and vrcnn.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often to train each.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to train each.")] = 4.0,
    start: Annotated[
        Path | None, typer.Option(help="A checkpoint to go on from, in place of random weights; with one --network.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and figures.")] = Path("build/loop_filter"),
    write: Annotated[bool, typer.Option("--write", help="Store the comparison in docs/benchmarks.md.")] = False,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda; default: COURSE_DEVICE, else the best.")
    ] = None,
) -> None:
    """Train loop filters on the same data for the same time."""
    if crops is not None and pictures is None:
        raise CourseError("--crops counts those of --pictures: name a folder, or leave it out")
    if pictures is not None and not prepare_data:
        raise CourseError("--pictures is for --prepare, which writes the file to train on")
    if prepare_data:
        typer.echo(prepare(data, pictures, crops or CROPS))
        return
    where = runtime.device(device).type
    names = network or list(COMPARED)
    if write and not set(COMPARED) <= set(names):
        raise CourseError(f"--write stores {' against '.join(COMPARED)}: train both, or leave it out")
    records = run(names, data=data, out=out, device=where, minutes=minutes, seeds=seeds, start=start)
    typer.echo(table(records))
    if write:
        rows, note = comparison(records)
        command = f"python solutions/lab08/study/loop_filter.py --minutes {minutes:g} --seeds {seeds}"
        page.store("loop-filter", rows, command=command, device=where, note=note)


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
