"""A lesson's own code with several seeds, and what each claim that varies measured: the ground of its band.

The cells run as they stand, but for the one line `SEED = …`, which must be there. A claim outside its band does not
stop a run, since bands are set from this table. Figures are drawn and thrown away.
"""

import contextlib
import io
import multiprocessing
import re
import statistics
import sys
import time
import types
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from course_tools.authoring import stored_outputs
from course_tools.notebook_code import run_cells
from course_utils import runtime
from course_utils.claims import ClaimFailed
from course_utils.command import notebooks
from course_utils.errors import CourseError

SEED_LINE = re.compile(r"^SEED = \d+$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Measurement:
    """One claim, or one expression, in one run: its band in words, empty for an expression, and the value."""

    claim: str
    band: str
    value: float


def numbers(text: str) -> list[int]:
    """The seeds that `0-4` or `0,2,7` means. Raises `CourseError` for anything else."""
    try:
        first, dash, last = text.partition("-")
        values = list(range(int(first), int(last) + 1)) if dash else [int(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values:
        raise CourseError(f"{text!r} names no seeds: write a range such as 0-4, or a list such as 0,2,7")
    return values


def code_with_seed(path: Path, seed: int) -> list[str]:
    """The code cells of the notebook with its line `SEED = …` replaced. Raises `CourseError` unless there is one."""
    cells = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    lines = sum(len(SEED_LINE.findall(source)) for source in cells)
    if lines != 1:
        raise CourseError(f"{path.name} needs one line `SEED = 0` for its seed and has {lines}")
    return [SEED_LINE.sub(f"SEED = {seed}", source) for source in cells]


def measure(path: Path, seed: int, also: Sequence[str]) -> tuple[list[Measurement], float]:
    """What the claims that vary, and the expressions `also`, gave with one seed, and the processor seconds."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    lesson = types.ModuleType(f"lesson_with_seed_{seed}")
    sys.modules[lesson.__name__] = lesson  # dataclasses look their module up
    started = time.process_time()
    for number, source in enumerate(code_with_seed(path, seed), start=1):
        with contextlib.redirect_stdout(io.StringIO()):
            run_cells({f"{path.name}, code cell {number}": source}, lesson.__dict__, tolerated=ClaimFailed)
        plt.close("all")
    claims = getattr(lesson, "claims", None)
    rows = [Measurement(row.claim, row.expected, row.value) for row in (claims.rows if claims else []) if row.varies]
    rows += [Measurement(text, "", float(eval(text, lesson.__dict__))) for text in also]
    return rows, time.process_time() - started


def repeat(
    path: Path,
    seeds: Sequence[int],
    *,
    also: Sequence[str] = (),
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> dict[int, list[Measurement]]:
    """The measurements of each seed, `jobs` runs at a time, each in a process of its own; `say` hears as one ends.

    Raises `CourseError` for a lesson without a seed, and where a run fails; no run goes on then.
    """
    code_with_seed(path, seeds[0])  # a lesson without a seed is found before anything runs
    by_seed = {}
    context = multiprocessing.get_context("spawn")
    with (
        runtime.environment(**stored_outputs.variables(None)),
        ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool,
    ):
        running = {pool.submit(measure, path, seed, also): seed for seed in seeds}
        try:
            for finished in as_completed(running):
                seed = running[finished]
                try:
                    by_seed[seed], seconds = finished.result()
                except Exception as error:  # whatever a lesson's cells may raise
                    raise CourseError(f"{path.name} with seed {seed}: {type(error).__name__}: {error}") from None
                say(f"seed {seed}: {seconds:.0f} processor seconds")
        except BaseException:  # Ctrl-C, too
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(cancel_futures=True)
            raise
    return {seed: by_seed[seed] for seed in seeds}


def table(by_seed: dict[int, list[Measurement]]) -> str:
    """For each claim its band, its values by seed, their range, mean and standard deviation."""
    lines = []
    for rows in zip(*by_seed.values(), strict=True):
        values = [row.value for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        lines += ["", f"{rows[0].claim}: {rows[0].band}", "  " + " ".join(f"{value:.4g}" for value in values)]
        lines[-1] += (
            f"; from {min(values):.4g} to {max(values):.4g}, mean {statistics.mean(values):.4g}, deviation {spread:.2g}"
        )
    return "\n".join(lines) or "no claim varies in this lesson"
