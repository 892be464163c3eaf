"""course_tools.authoring.seeds: a lesson's claims measured with several seeds, in numbers."""

import random
import time

import psutil
import pytest
from conftest import assert_one_clear_line

from course_tools.authoring import seeds
from course_tools.authoring.seeds import Measurement
from course_utils.errors import CourseError

SET_UP = "import random\nfrom course_utils.claims import Claims\nSEED = 0\nrandom.seed(SEED)\nclaims = Claims('t')"
CLAIMS = """claims.within('the draw', random.random(), low=2, why='no draw is so large')
claims.within('dollars', 1_234_567.25 + SEED, low=0, why='shown with commas')
claims.equal('a fact', (0.2861, 0.3538), (0.2861, 0.3538), source='arithmetic')
claims.table()"""


def draw(seed: int) -> float:
    return random.Random(seed).random()


def test_what_varies_is_measured_as_numbers_and_a_failed_band_stops_nothing(course):
    path = course(SET_UP, CLAIMS, "late = 2 * SEED", execute=False)
    rows, seconds = seeds.measure(path, 3, ["late + 1"])
    assert rows == [
        Measurement("the draw", "at least 2 (no draw is so large)", draw(3)),
        Measurement("dollars", "at least 0 (shown with commas)", 1_234_570.25),
        Measurement("late + 1", "", 7.0),
    ]
    assert seconds > 0


def test_each_seed_has_a_process_of_its_own_and_its_rows_stand_in_the_asked_order(course):
    path = course(SET_UP, CLAIMS, execute=False)
    said: list[str] = []
    by_seed = seeds.repeat(path, [4, 0], jobs=2, say=said.append)
    assert [(seed, rows[0].value) for seed, rows in by_seed.items()] == [(4, draw(4)), (0, draw(0))]
    assert sorted(line.split(":")[0] for line in said) == ["seed 0", "seed 4"]


def test_the_notebook_itself_is_left_as_it_was(course):
    path = course(SET_UP, CLAIMS, execute=False)
    before = path.read_bytes()
    assert "SEED = 7" in seeds.code_with_seed(path, 7)[0] and path.read_bytes() == before


@pytest.mark.parametrize(
    ("cells", "count"),
    [((SET_UP.replace("SEED = 0\n", ""),), 0), ((SET_UP, "SEED = 1"), 2), ((SET_UP.replace("= 0", "= 1 + 1"),), 0)],
)
def test_a_lesson_needs_one_line_for_its_seed(course, type_command, cells, count):
    course(*cells, execute=False)
    assert_one_clear_line(type_command("seeds", "1"), "01_small.ipynb needs one line `SEED = 0`", f"has {count}")


def test_the_seeds_run_once_with_each_number_of_threads(course, type_command):
    set_up = SET_UP.replace("import random\n", "import random\nimport torch\n")
    course(set_up, "claims.within('threads', torch.get_num_threads(), low=1, why='at least')", execute=False)
    done = type_command("seeds", "1", "--seeds", "0,3", "--threads", "1,2")
    assert done.returncode == 0, done.stderr
    assert "\n  1 1 2 2; from 1 to 2" in done.stdout


def test_a_lesson_that_raises_is_named_with_its_seed(course):
    path = course(SET_UP, "if SEED == 2:\n    unknown", execute=False)
    with pytest.raises(CourseError, match=r"01_small.ipynb with seed 2: NameError: name 'unknown' is not defined"):
        seeds.repeat(path, [2])


def test_a_run_that_fails_ends_the_others(course):
    path = course(SET_UP, "import time\ntime.sleep(200 * (SEED - 2))\n1 / (SEED - 2)", execute=False)
    started = time.monotonic()
    with pytest.raises(CourseError, match="ZeroDivisionError"):
        seeds.repeat(path, [3, 2], jobs=2)
    assert time.monotonic() - started < 150
    names = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [name for name in names if "spawn_main" in name]


@pytest.mark.parametrize(("text", "values"), [("0-4", [0, 1, 2, 3, 4]), ("7", [7]), ("0,2,7", [0, 2, 7])])
def test_seeds_are_a_range_or_a_list(text, values):
    assert seeds.numbers(text) == values


@pytest.mark.parametrize("text", ["", "4-0", "a-b", "1;2", "-3"])
def test_other_texts_name_no_seeds(text):
    with pytest.raises(CourseError, match="write a range such as 0-4, or a list such as 0,2,7"):
        seeds.numbers(text)


def test_the_table_gives_values_range_mean_and_deviation():
    by_seed = {seed: [Measurement("gain", "at least 1", value)] for seed, value in enumerate((1.0, 2.0, 6.0))}
    assert seeds.table(by_seed).splitlines() == [
        "",
        "gain: at least 1",
        "  1 2 6; from 1 to 6, mean 3, deviation 2.6",
    ]
    assert seeds.table({0: []}) == "no claim varies in this lesson"
