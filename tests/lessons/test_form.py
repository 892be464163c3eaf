"""Every lesson keeps the course's promises about its anatomy and its stored outputs."""

import ast
import base64
import re
import tomllib

import pytest
from conftest import ROOT

from course_tools.authoring import course_metadata, validate
from course_utils.command import notebooks

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))
HEADINGS = ("Against the reference", "Questions students ask", "Exercises", "Sources")
# The lessons follow one by one: each that ends in its table of claims keeps all of the anatomy from then on.
NEW_FORM = [path for path in LESSONS if "## What was checked" in path.read_text(encoding="utf-8")]
LONGEST_CELL = 30  # lines
VERDICTS_SHARE = 0.1  # of printed lines: more True and False are a log, and no lesson
COMPARED_SHARE = 0.6
FIGURE_BYTES = 150_000
CODE_COLUMNS = 88


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def lesson(path):
    return notebooks.read(path)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def section(notebook, heading: str) -> str:
    """The text of the cells from `heading` to the next heading of level two."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.search(rf"^## {heading}.*?(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL).group()


def figures(notebook) -> list[tuple[int, str]]:
    """Cell index and base64 text of each stored picture."""
    return [
        (index, output.data["image/png"])
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def test_there_are_lessons():
    assert [path.stem.split("_")[0] for path in LESSONS] == [f"{n:02d}" for n in range(len(LESSONS))]
    assert LESSONS


def test_the_first_cell_says_what_the_lesson_is_for(path, lesson):
    about = course_metadata.read(lesson, path)
    first = lesson.cells[0].source
    assert first.startswith(f"# {path.stem.split('_')[0]} · {about.title}")
    assert "You will be able to" in first
    assert all(number < int(path.stem.split("_")[0]) for number in about.requires)


def test_the_parts_of_a_lesson_are_all_there(path, lesson):
    headings = re.findall(
        r"^## (.+)$", "\n".join(c.source for c in lesson.cells if c.cell_type == "markdown"), flags=re.MULTILINE
    )
    for wanted in HEADINGS:
        assert any(heading.startswith(wanted) for heading in headings), wanted
    assert headings[-1] == ("What was checked" if path in NEW_FORM else "Sources")
    assert path in NEW_FORM or "Claims checked" in headings


def test_everything_is_imported_in_the_set_up_cell(lesson):
    setup, *later = code_cells(lesson)
    assert "import torch" in setup.source and "device = runtime.device()" in setup.source
    for cell in later:
        tree = ast.parse(re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE))
        assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], cell.source


def test_the_seed_stands_once_in_the_set_up_cell(lesson):
    with_seed = [cell for cell in code_cells(lesson) for _ in re.findall(r"^SEED = 0$", cell.source, re.MULTILINE)]
    assert with_seed == code_cells(lesson)[:1]


def test_no_code_line_is_wider_than_a_printed_page(lesson):
    lines = [line for cell in code_cells(lesson) for line in cell.source.splitlines()]
    assert not [line for line in lines if len(line) > CODE_COLUMNS]


def test_every_cell_was_run_in_order_and_none_ended_in_an_error(lesson):
    assert [cell.execution_count for cell in code_cells(lesson)] == list(range(1, len(code_cells(lesson)) + 1))
    assert not [output for output in outputs(lesson) if output.output_type == "error"]


def test_no_warning_and_no_progress_bar_was_stored(lesson):
    assert not [output.text for output in outputs(lesson) if output.get("name") == "stderr"]
    assert "Warning:" not in str(outputs(lesson)) and "widget-view" not in str(outputs(lesson))


def test_no_absolute_path_was_stored(path):
    assert not re.search(r"(?<![\w.<])/(root|home|work|tmp|Users|usr|opt)/", path.read_text(encoding="utf-8"))


def test_most_outputs_are_compared(lesson):
    with_output = validate.cells_with_output(lesson)
    assert sum(map(validate.is_compared, with_output)) >= COMPARED_SHARE * len(with_output)


def test_figures_are_small_and_told_again_in_words(lesson):
    assert len(figures(lesson)) >= 4
    for index, picture in figures(lesson):
        assert len(base64.b64decode(picture)) < FIGURE_BYTES, f"cell {index + 1}"
        following = "\n".join(cell.source for cell in lesson.cells[index + 1 : index + 3])
        assert "picture in words" in following.lower(), f"cell {index + 1}"


def test_claims_are_compared_and_each_has_a_source(lesson):
    tables = [cell for cell in code_cells(lesson) if re.search(r"\bclaims\.table\(\)", cell.source)]
    assert len(tables) == 1 and validate.is_compared(tables[0])
    table = tables[0].outputs[0].data["text/plain"].splitlines()[2:]
    assert len(table) >= 8
    for row in table:
        claim, expected, measured, verdict, source = row.split(" | ")
        assert verdict == "holds" and claim and expected and measured and source


def test_questions_are_answered_and_exercises_have_folded_answers(lesson):
    assert len(re.findall(r"^(?:### |\*\*).*\?", section(lesson, "Questions students ask"), flags=re.MULTILINE)) >= 3
    exercises = section(lesson, "Exercises")
    assert 3 <= exercises.count("<details>") <= 6
    assert len(re.findall(r"minutes?\b", exercises)) >= 3


def test_the_korean_term_stands_at_a_key_terms_first_use(lesson):
    assert len(re.findall(r"\([^()]*[가-힣]+[^()]*\)", "".join(cell.source for cell in lesson.cells))) >= 5


def is_folded(cell) -> bool:
    return "hide-input" in cell.metadata.get("tags", []) and cell.metadata.get("jupyter", {}).get("source_hidden")


@pytest.mark.parametrize("path", NEW_FORM, ids=lambda path: path.stem)
def test_drawing_claims_and_tables_are_folded_and_no_definition_of_the_lesson_is(path):
    for cell in code_cells(notebooks.read(path)):
        draws = re.search(r"plt\.subplots|plots\.show_images|^claims\.", cell.source, flags=re.MULTILINE)
        assert bool(draws) <= bool(is_folded(cell)), cell.source
        if is_folded(cell):
            taught = re.findall(r"^def (\w+)", cell.source, flags=re.MULTILINE)
            assert draws or all(name.startswith("draw") for name in taught), cell.source


@pytest.mark.parametrize("path", NEW_FORM, ids=lambda path: path.stem)
def test_a_lesson_has_an_explorable_that_shows_its_pictures_without_a_kernel(path):
    cells = [cell for cell in code_cells(notebooks.read(path)) if re.search(r"^explore\($", cell.source, re.MULTILINE)]
    assert cells and all("image/png" in output.data for cell in cells for output in cell.outputs)


@pytest.mark.parametrize("path", NEW_FORM, ids=lambda path: path.stem)
def test_no_cell_is_too_long_to_be_taken_in_at_a_glance(path):
    assert not [cell.source for cell in code_cells(notebooks.read(path)) if cell.source.count("\n") >= LONGEST_CELL]


@pytest.mark.parametrize("path", NEW_FORM, ids=lambda path: path.stem)
def test_a_lesson_prints_numbers_and_hardly_a_verdict(path):
    lines = [line for output in outputs(notebooks.read(path)) for line in output.get("text", "").splitlines()]
    verdicts = [line for line in lines if re.search(r"\b(True|False)\b", line)]
    assert len(verdicts) < VERDICTS_SHARE * len(lines)


ANSWERS = tomllib.loads((ROOT / "solutions" / "answers.toml").read_text(encoding="utf-8"))


def test_every_numeric_exercise_that_a_lesson_asks_has_an_answer_and_no_answer_is_left_over():
    asked = [
        name
        for path in LESSONS
        for cell in code_cells(notebooks.read(path))
        for name in re.findall(r'^checks\.answer\("([^"]+)", my_answer\)$', cell.source, flags=re.MULTILINE)
    ]
    assert sorted(asked) == sorted(ANSWERS)


# An answer in words is one of those that the question names.
@pytest.mark.parametrize("exercise", [name for name in ANSWERS if not isinstance(ANSWERS[name]["right"], str)])
def test_the_answer_to_a_numeric_exercise_is_nowhere_but_in_its_folded_explanation(exercise):
    (path,) = (path for path in LESSONS if path.stem.startswith(exercise.split(".")[0]))
    value = ANSWERS[exercise]["right"]
    written = [f"({', '.join(map(str, value))})"] if isinstance(value, list) else [f"{value:,}", str(value)]
    shown = re.compile("|".join(rf"(?<![\w.,]){re.escape(text)}(?![\w.,]?\d)" for text in written))
    cells = notebooks.read(path).cells
    start = next(index for index, cell in enumerate(cells) if "## Exercises" in cell.source)
    for cell in cells[start:]:
        text = re.sub(r"<details>.*?</details>|.*(?=## Exercises)", "", cell.source, flags=re.DOTALL)
        if "claims." not in text:
            assert not shown.search(text), text
        for output in cell.get("outputs", []):
            assert not shown.search(output.get("text", "")), output.text
