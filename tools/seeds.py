"""Run a lesson's own code with several seeds, and print what each claim that varies measured: the ground of its band.

python tools/seeds.py lessons/13_yolo.ipynb --seeds 0 1 2 3 4 --also "best.at_50_95" --jobs 2

The cells run as they stand, but for the one line `SEED = …`, which must be there. A claim outside its band does not
stop the run, since bands are set from this table. Figures are drawn and thrown away.
"""

import argparse
import contextlib
import io
import multiprocessing
import re
import statistics
import sys
import time
import types
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import matplotlib

from course_utils.claims import ClaimFailed
from course_utils.notebooks import files

SEED_LINE = re.compile(r"^SEED = \d+$", flags=re.MULTILINE)


def code_with_seed(path: Path, seed: int) -> list[str]:
    """The code cells of the notebook with its line `SEED = …` replaced; `SystemExit` where there is not just one."""
    cells = [cell.source for cell in files.read(path).cells if cell.cell_type == "code"]
    found = sum(len(SEED_LINE.findall(source)) for source in cells)
    if found != 1:
        raise SystemExit(f"{path.name} needs one line `SEED = 0` for its seed and has {found}")
    return [SEED_LINE.sub(f"SEED = {seed}", source) for source in cells]


def measured(path: Path, seed: int, also: list[str]) -> tuple[dict[str, tuple[str, float]], float]:
    """Claim to (band with its reason, value) for one seed, expressions of `also` among them, and the CPU seconds."""
    matplotlib.use("Agg")
    lesson = types.ModuleType(f"lesson_with_seed_{seed}")
    sys.modules[lesson.__name__] = lesson  # dataclasses look their module up
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for number, source in enumerate(code_with_seed(path, seed), start=1):
            with contextlib.suppress(ClaimFailed):
                exec(compile(source, f"{path.name}, code cell {number}", "exec"), lesson.__dict__)
            matplotlib.pyplot.close("all")
    rows = {row.claim: (row.expected, float(row.measured)) for row in lesson.claims.rows if "(" in row.expected}
    rows |= {text: ("", float(eval(text, lesson.__dict__))) for text in also}
    return rows, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lesson", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--also", nargs="*", default=[], help="expressions to evaluate at the end of each run")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time")
    options = parser.parse_args()
    results = {}
    fresh = {"mp_context": multiprocessing.get_context("spawn"), "max_tasks_per_child": 1}
    with ProcessPoolExecutor(options.jobs, **fresh) as pool:
        running = {pool.submit(measured, options.lesson, seed, options.also): seed for seed in options.seeds}
        for run in as_completed(running):
            results[running[run]], seconds = run.result()
            values = {claim: value for claim, (_, value) in results[running[run]].items()}
            print(f"seed {running[run]}: {seconds:.0f} CPU seconds {values}", flush=True)
    for claim, (band, _) in results[options.seeds[0]].items():
        values = [results[seed][claim][1] for seed in options.seeds]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(f"\n{claim}: {band}")
        print("  " + " ".join(f"{value:.4g}" for value in values), end="; ")
        print(
            f"from {min(values):.4g} to {max(values):.4g}, mean {statistics.mean(values):.4g}, deviation {spread:.2g}"
        )


if __name__ == "__main__":
    main()
