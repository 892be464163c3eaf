"""Which gates must chrono initialisation set: those that forget, those that write, or both?

    python lessons/study/15/gates.py

Networks, task and training are lesson 15's: 16 units, 240 steps, five seeds beside each other, here twice, so that each
row has ten. Chrono initialisation gives the forget gates b = log u, with u uniform in [1, distance], and the input
gates -b. Here each half is also set alone, and so is a forget bias of 5. Nothing is chosen. Stored beside this file, by
distance and row: the accuracy of each seed on 500 fresh sentences. Two minutes on one core.
"""

import json
from pathlib import Path

import torch
import typer
from torch import Tensor

from course_tools.notebook_code import definitions
from course_utils.command import app, notebooks

TABLE = Path(__file__).with_suffix(".json")
DISTANCES = (50, 200)
ROUNDS = 2  # of five seeds, each round with batches of its own
FORGET, INPUT, BOTH, FIVE = "chrono, forget gates only", "chrono, input gates only", "chrono", "forget bias 5"
ROWS = (BOTH, FORGET, FIVE, INPUT)

lesson = definitions(Path(__file__).resolve().parents[2] / "15_lstm.ipynb")
SIZES = {"SYMBOLS": 6, "WIDTH": 16, "SEEDS": 5, "BATCH": 16}  # the lesson's
drawn = lesson.draw_weights


def changed(row: str, distance: int, seed: int) -> dict[str, Tensor]:
    """The lesson's weights of `seed`, with the biases of `row`; those of torch's draw where the row says nothing."""
    weights = drawn("LSTM, bias 0", distance, seed)
    chrono = drawn("LSTM, chrono", distance, seed)["bias"]
    width = SIZES["WIDTH"]
    inputs, forgets = slice(width), slice(width, 2 * width)  # the gates lie as i, f, o, g
    for gates, rows in ((forgets, (BOTH, FORGET)), (inputs, (BOTH, INPUT))):
        if row in rows:
            weights["bias"][:, gates] = chrono[:, gates]
    if row == FIVE:
        weights["bias"][:, forgets] = 5
    return weights


def main() -> None:
    """Train the rows side by side and store their accuracies."""
    names = lesson.stacked.__globals__
    names.update(SIZES, draw_weights=changed, device=torch.device("cpu"))
    table: dict[str, dict[str, list[float]]] = {}
    for distance in DISTANCES:
        by_row: dict[str, list[float]] = {row: [] for row in ROWS}
        for names["SEED"] in range(ROUNDS):
            accuracies, _ = lesson.train_side_by_side(ROWS, distance)
            for row, values in zip(ROWS, accuracies, strict=True):
                by_row[row] += [round(value, 3) for value in values.tolist()]
        table[str(distance)] = by_row
        for row, values in by_row.items():
            typer.echo(f"d = {distance}: {row}: {values}")
    notebooks.write_text(TABLE, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
