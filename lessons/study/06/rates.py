"""Is the degradation of lesson 06 a learning rate that suits the residual network alone?

    python lessons/study/06/rates.py

Networks, pictures, batches and schedule are the lesson's; the rate takes four values, each with five seeds. Nothing is
chosen. The accuracy is that of the 2,400 training pictures that the lesson leaves out; the test set is not looked at.
Stored beside this file: one row for each training, with the mean training loss of the last 50 steps. Rows that are
there already are not made again, so that the quarter of an hour on one core can be cut in pieces (`--minutes`).
"""

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from course_tools.notebook_code import definitions
from course_utils import training
from course_utils.command import app, notebooks
from course_utils.data import fashion_mnist

TABLE = Path(__file__).with_suffix(".json")
NETWORKS = {"plain, 20": (20, False), "plain, 56": (56, False), "residual, 56": (56, True)}
RATES = (0.1, 0.03, 0.01, 0.003)
SEEDS = range(5)
TRAINED = 9_600  # pictures of the lesson

lesson = definitions(Path(__file__).resolve().parents[2] / "06_resnet.ipynb")


def run(network: str, rate: float, seed: int) -> dict[str, object]:
    """One training of 225 steps: its late training loss in nats, and its accuracy on pictures that it has not seen."""
    depth, residual = NETWORKS[network]
    pictures = fashion_mnist.load()[0].normalized(fashion_mnist.MEAN, fashion_mnist.STD)
    seen, unseen = (
        replace(pictures, images=pictures.images[part], labels=pictures.labels[part])
        for part in (slice(TRAINED), slice(TRAINED, None))
    )
    torch.manual_seed(seed)
    model = lesson.DeepNet(depth, residual)
    batches = seen.batches(batch_size=128, shuffle=True, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = training.one_cycle(optimizer, steps=3 * len(batches))
    history = training.fit(model, batches, optimizer=optimizer, schedule=schedule, epochs=3, channels_last=True)
    accuracy = training.evaluate(model, unseen.batches(batch_size=500)).accuracy
    loss = sum(history.step_loss[-50:]) / 50
    return {"network": network, "rate": rate, "seed": seed, "loss": round(loss, 4), "accuracy": round(accuracy, 4)}


def main(minutes: Annotated[float, typer.Option(help="Stop after this time; call it again to go on.")] = 60) -> None:
    """Train what is not in the table yet."""
    until = time.monotonic() + 60 * minutes
    rows = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else []
    done = {(row["network"], row["rate"], row["seed"]) for row in rows}
    for seed, rate, network in itertools.product(SEEDS, RATES, NETWORKS):
        if (network, rate, seed) in done or time.monotonic() > until:
            continue
        rows.append(run(network, rate, seed))
        typer.echo(rows[-1])
        notebooks.write_text(TABLE, "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
