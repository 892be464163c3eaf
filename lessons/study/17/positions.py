"""How much of the LSTM's lead over lesson 17's GPT is the encoding of places? Two encodings, one LSTM, two budgets.

    python lessons/study/17/positions.py

Networks, text, batches and schedule are those of lesson 17. The third network is its GPT with the rotary encoding of
lesson 16 in place of the added sinusoids, on the same initial weights. Budget 1 is the lesson's: 320 steps of the GPT,
368 of the LSTM. The learning rate of each network is the best of `RATES` for one seed on validation text, the 25,600
held-out characters after those that the lesson tests on. Then come the seeds, and each is tested once. Budget 4, four
times as long, is for rotary and the LSTM alone, and for that one seed: its rows are of validation text. Stored beside
this file: one row for each training, in bits per character. Rows that are there already are not made again, so that a
quarter of an hour on one core can be cut in pieces (`--minutes`).
"""

import json
import math
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor, nn

from course_tools.notebook_code import definitions
from course_utils import training
from course_utils.command import app, notebooks
from course_utils.data import king_james

LESSONS = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_suffix(".json")
RATES = {  # by budget and network; of the last row the best is the greatest, and a greater one was not tried
    (1, "rotary"): (1e-2, 1.4e-2, 2e-2, 2.8e-2),
    (1, "LSTM"): (1e-2, 1.4e-2, 2e-2, 2.8e-2, 4e-2, 5.6e-2),
    (1, "sinusoid"): (1e-2, 1.4e-2, 2e-2, 2.8e-2),
    (4, "rotary"): (7e-3, 1e-2, 1.4e-2),
    (4, "LSTM"): (1.4e-2, 2e-2, 2.8e-2),
}
SEEDS = range(3)
CHOOSING_SEED = 100
NETWORKS = ("rotary", "LSTM", "sinusoid")
SCORED = 25_600  # characters, in windows of 64

lesson = definitions(LESSONS / "17_transformer.ipynb")
rotary = definitions(LESSONS / "16_attention.ipynb").rotary


class RotaryAttention(lesson.Attention):
    """The lesson's attention with queries and keys turned by their places."""

    def project(self, x: Tensor, memory: Tensor) -> list[Tensor]:
        """Queries, keys and values as in the lesson, the first two turned."""
        q, k, v = super().project(x, memory)
        return [rotary(q), rotary(k), v]


class RotaryGPT(lesson.GPT):
    """The lesson's GPT without added positions: the same weights, drawn alike."""

    def __init__(self, vocabulary: int, d: int, heads: int, depth: int) -> None:
        super().__init__(vocabulary, d, heads, depth)
        for layer in self.layers:
            turned = RotaryAttention(d, heads)
            turned.load_state_dict(layer.attention.state_dict())
            layer.attention = turned

    def forward(self, characters: Tensor) -> Tensor:
        """characters (N, T) to scores (N, T, vocabulary)."""
        x, allowed = self.embed(characters), lesson.causal(characters.shape[1])
        for layer in self.layers:
            x = layer(x, allowed)
        return self.head(self.norm(x))


class Text:
    """The lesson's text, split as there, with validation text behind the test text."""

    def __init__(self) -> None:
        text = king_james.load()
        characters = text.encode(text.text)
        split = len(characters) * 95 // 100
        self.vocabulary = len(text.vocabulary)
        self.training, held = characters[:split], characters[split:]
        self.test, self.validation = held[: SCORED + 1], held[SCORED : 2 * SCORED + 1]
        lesson.windows.__globals__["train_text"] = self.training


@torch.no_grad()
def bits(model: nn.Module, characters: Tensor) -> float:
    """Bits per character on `SCORED` characters, in windows of 64 that know nothing of each other, as in the lesson."""
    inputs, targets = (part.view(-1, lesson.WINDOW) for part in (characters[:-1], characters[1:]))
    pairs = zip(inputs.split(100), targets.split(100), strict=True)
    return sum(lesson.next_loss(model(x), y).item() for x, y in pairs) / len(inputs.split(100)) / math.log(2)


def trained(network: str, text: Text, *, budget: int, rate: float, seed: int) -> nn.Module:
    """One training with the lesson's recipe."""
    torch.manual_seed(seed)
    if network == "LSTM":
        model, steps = lesson.CharLSTM(text.vocabulary), 368 * budget
    else:
        kind = RotaryGPT if network == "rotary" else lesson.GPT
        model, steps = kind(text.vocabulary, 64, 4, 3), 320 * budget
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    training.fit(
        model,
        lesson.windows(steps, 32, seed),
        optimizer=optimizer,
        schedule=training.one_cycle(optimizer, steps=steps),
        epochs=1,
        loss=lesson.next_loss,
        accuracy=None,
    )
    return model.eval()


def best_rate(rows: list[dict[str, Any]], network: str, budget: int) -> float:
    """The rate with the fewest bits on validation text."""
    tried = [row for row in rows if (row["network"], row["budget"]) == (network, budget) and "validation" in row]
    return min(tried, key=lambda row: row["validation"])["rate"]


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="Start no further training after this time.")] = 120,
) -> None:
    """Train what is not stored yet."""
    rows = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else []
    text, end = Text(), time.monotonic() + 60 * minutes
    plan: list[tuple[int, str, float | None, int]] = [
        *((budget, network, rate, CHOOSING_SEED) for (budget, network), rates in RATES.items() for rate in rates),
        *((1, network, None, seed) for seed in SEEDS for network in NETWORKS),
    ]
    for budget, network, rate, seed in plan:
        part = "validation" if rate else "test"
        rate = rate or best_rate(rows, network, budget)
        row = {"network": network, "budget": budget, "rate": rate, "seed": seed}
        if any(row.items() <= stored.items() for stored in rows):
            continue
        if time.monotonic() > end:
            break
        started = time.process_time()
        model = trained(network, text, budget=budget, rate=rate, seed=seed)
        seconds = round(time.process_time() - started)
        rows.append(row | {part: round(bits(model, getattr(text, part)), 4), "seconds": seconds})
        typer.echo(json.dumps(rows[-1]))
        notebooks.write_text(TABLE, "[\n" + ",\n".join(json.dumps(each) for each in rows) + "\n]\n")
    else:
        typer.echo("complete")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
