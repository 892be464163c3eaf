"""The course in a real browser: a student runs a lesson and solves an exercise, an instructor grades a report.

Skipped where Chromium is not installed; CI installs it.
"""

import difflib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, small_notebook
from served import serving
from small_class import LAB, REPORT, answered, hand_in, make_course, needs_jail

from course_tools.authoring import run
from course_utils.command import notebooks

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: install the course's dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `apt-get install chromium`"),
    pytest.mark.timeout(240),
]
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
MILLISECONDS = 90_000  # to wait for one thing on a busy machine
IDLE = "Python 3 (ipykernel) | Idle"  # what the status bar says of a kernel that waits
MENUS = ["File", "Edit", "View", "Run", "Kernel", "Tabs", "Settings", "Help"]
LESSON_SECONDS = 480  # lesson 01 takes one to two minutes on two cores, and CI gives it one that is shared
SAME_PADDING = """def same_padding(size, kernel, stride=1, dilation=1):
    reach = dilation * (kernel - 1) + 1
    missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return missing // 2, missing - missing // 2
"""
EXPLORABLE = """from course_utils.explore import explore
def line(axis, slope):
    axis.plot([0, slope])
    return f"it ends at {slope}"
explore(line, slope=(-2, 2), shown=[{"slope": 1}, {"slope": -2}])"""


@pytest.fixture
def page() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        opened = browser.new_page(viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(MILLISECONDS)
        yield opened
        browser.close()


def run_cell(page, source: str):
    """Run the code cell that holds `source`, as Shift+Enter does; the cell."""
    cell = page.locator(".jp-CodeCell", has_text=source).first
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    return cell


def answer(page, old: str, new: str) -> None:
    """Write `new` over the code cell that holds `old`, and run it."""
    page.locator(".jp-CodeCell", has_text=old).first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(new)
    run_cell(page, old)


def blank_lesson(path: Path) -> Path:
    """Lesson 01 without its outputs and execution counts, in a course of its own that ends at `path`."""
    path.parent.mkdir()
    (path.parents[1] / "pyproject.toml").touch()
    lesson = notebooks.read(ROOT / "lessons" / path.name)
    for cell in code_cells(lesson):
        cell.update(outputs=[], execution_count=None)
    notebooks.write_text(path, nbformat.writes(lesson) + "\n")
    return path


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def errors(cells: list) -> list[str]:
    found = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    return [f"{output.ename}: {output.evalue}" for output in found]


def saved_when_run(page, path: Path) -> list:
    """Save the open notebook until the file has a count at each code cell and the kernel rests, or has an error."""
    deadline = time.monotonic() + LESSON_SECONDS
    while time.monotonic() < deadline:
        resting = page.get_by_text(IDLE).is_visible()
        page.keyboard.press("Control+s")
        page.wait_for_timeout(3000)
        cells = code_cells(notebooks.read(path))
        if errors(cells) or (resting and all(cell.execution_count for cell in cells)):
            return cells
    ran = sum(bool(cell.execution_count) for cell in cells)
    pytest.fail(f"{ran} of {len(cells)} cells had run after {LESSON_SECONDS} s")


def sideways(page) -> set[str]:
    """What one must scroll sideways to see whole, from the notebook's top to its end: its panel, text, outputs.

    Code is left out: an editor scrolls a long line alone.
    """
    panel, found, end = page.locator(".jp-WindowedPanel-outer").first, set(), False
    panel.evaluate("panel => panel.scrollTo(0, 0)")
    while not end:
        page.wait_for_timeout(200)  # cells are drawn when they come into sight
        found |= set(
            panel.evaluate(
                """panel => [panel, ...panel.querySelectorAll(".jp-RenderedMarkdown, .jp-OutputArea-output")]
                .filter(part => part.scrollWidth > part.clientWidth + 1)
                .map(part => `${part.className}: ${part.scrollWidth} of ${part.clientWidth} pixels`)"""
            )
        )
        end = panel.evaluate("panel => panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 2")
        panel.evaluate("panel => panel.scrollBy(0, 0.8 * panel.clientHeight)")
    return found


def test_the_first_screen_is_the_lesson_beside_its_contents_and_nothing_for_instructors(page, tmp_path):
    blank_lesson(tmp_path / "lessons" / "01_the_training_loop.ipynb")
    with serving("lab", cwd=tmp_path) as server:
        page.goto(server.address)
        page.get_by_text(IDLE).wait_for()
        page.get_by_role("heading", name="The training loop").wait_for()
        contents = page.locator(".jp-TableOfContents-content")
        assert contents.get_by_text("Exercises").is_visible()
        page.wait_for_timeout(3000)  # a question or an extension may come late
        menus = page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
        assert [menu for menu in menus if menu] == MENUS
        for unwanted in ("nbgrader", "Create Assignment", "Validate", "Jupyter news", "Launcher"):
            assert not page.get_by_text(unwanted).count(), unwanted
        contents.get_by_text("Exercises").click()
        page.get_by_role("heading", name="Exercises").wait_for()


@pytest.mark.timeout(LESSON_SECONDS + 240)
def test_a_student_runs_lesson_01_from_end_to_end_and_need_not_scroll_sideways(page, tmp_path):
    path = blank_lesson(tmp_path / "lessons" / "01_the_training_loop.ipynb")
    with serving("lab", cwd=tmp_path) as server:
        page.goto(server.address)
        page.get_by_text(IDLE).wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        cells = saved_when_run(page, path)
        assert not errors(cells)
        assert sum(bool(cell.outputs) for cell in cells) > len(cells) / 2
        assert not sideways(page)


def test_a_student_solves_an_exercise_in_jupyterlab_and_sees_the_check(page, tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").touch()
    lab = tmp_path / "labs" / "lab01" / "lab01.ipynb"
    lab.parent.mkdir(parents=True)
    shutil.copy(ROOT / "labs" / "lab01" / "lab01.ipynb", lab)
    with serving("lab", str(lab), cwd=tmp_path) as server:
        page.goto(server.address)
        page.get_by_text(IDLE).wait_for()
        run_cell(page, "from course_utils import checks").get_by_text("[1]:").wait_for()
        run_cell(page, "def expect(").get_by_text("[2]:").wait_for()
        answer(page, "def same_padding", SAME_PADDING.replace("(kernel - 1) + 1", "(kernel - 1)"))
        refused = run_cell(page, "came = same_padding(")
        refused.get_by_text("[no] same_padding(8, 3, 2)[1]: expected 1, got 0").wait_for()
        refused.get_by_text("Hint: from the first tap to the last are d · (kernel - 1) + 1 pixels").wait_for()
        answer(page, "def same_padding", SAME_PADDING)
        accepted = run_cell(page, "came = same_padding(")
        accepted.get_by_text("[ok] same_padding(12, 1, 3)").wait_for()


def test_to_open_and_save_a_lesson_changes_one_line(page, tmp_path):
    path = tmp_path / "lessons" / "18_video_encoder.ipynb"
    path.parent.mkdir()
    (tmp_path / "pyproject.toml").touch()
    shutil.copy(ROOT / "lessons" / path.name, path)
    before = path.read_text(encoding="utf-8").splitlines()
    with serving("lab", "18", cwd=tmp_path) as server:
        page.goto(server.address)
        page.get_by_text(IDLE).wait_for()
        written = path.stat().st_mtime_ns
        page.locator(".jp-MarkdownOutput").first.click()
        page.keyboard.press("Control+s")
        deadline = time.monotonic() + 60
        while path.stat().st_mtime_ns == written and time.monotonic() < deadline:
            page.wait_for_timeout(200)
    after = path.read_text(encoding="utf-8").splitlines()
    assert path.stat().st_mtime_ns > written
    changed = [line for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    assert len(after) == len(before) and len(changed) <= 1, changed


def test_a_reader_moves_a_slider_by_keyboard_and_the_picture_and_its_words_change(page, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION")  # else the kernel would think that its outputs are compared
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").touch()
    notebook = small_notebook(EXPLORABLE)
    run.normalize(notebook)  # it names its kernel, for which JupyterLab would else ask
    notebooks.write_text(tmp_path / "lessons" / "01_small.ipynb", nbformat.writes(notebook))
    with serving("lab", cwd=tmp_path) as server:
        page.goto(server.address)
        page.get_by_text(IDLE).wait_for()
        run_cell(page, "explore(")
        picture, words = page.locator(".jp-OutputArea img"), page.locator(".jp-OutputArea [role=status]")
        words.get_by_text("slope 1. it ends at 1").wait_for()
        before = picture.get_attribute("src")
        page.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        words.get_by_text("slope 2. it ends at 2").wait_for()
        assert picture.count() == 1 and picture.get_attribute("src") != before
        assert not sideways(page)


def open_submission(page, server) -> None:
    """Go to the class's first submission as an instructor does, and wait until a score can be typed."""
    page.goto(server.address)
    page.get_by_role("link", name=LAB).click()
    page.get_by_role("link", name=LAB).last.click()  # the assignment's only notebook
    page.get_by_role("link", name="Submission #1").click()
    # Before the grades have come, the page would not notice that a score was typed; the name comes with a script.
    page.wait_for_function("() => typeof formgrader !== 'undefined' && formgrader.grades?.loaded")


RAISE = "javascript:void(formgrader.grades.each(g=>g.save({manual_score:9})))"
SCRIPTING = f"""{REPORT} Where $i<n$ and `a<b`: [my plot]({RAISE}), [again](&#106;{RAISE[1:]}), [there][1],
<a href="{RAISE}">html</a> <img src=x onerror="{RAISE[11:]}"> <script>{RAISE[11:]}</script>

[1]: {RAISE}
"""


@needs_jail
def test_no_report_can_act_on_the_grading_page_even_where_somebody_clicks_all_of_it(page, tmp_path, type_command):
    hand_in(tmp_path / "class", "eve", answered(make_course(tmp_path), report=SCRIPTING))
    assert type_command("grade", "class").returncode == 0
    with serving("formgrader", cwd=tmp_path) as server:
        refused = []
        page.on("console", lambda message: refused.append(message.text))
        open_submission(page, server)
        report = page.locator(".text_cell_render", has_text=REPORT).last
        for text in ("my plot", "again", "there", "html"):
            report.get_by_text(text, exact=True).click()
        # Were the cleaning to miss one, the page's policy would stop it.
        page.evaluate(
            """link => {
                const one = document.createElement("a");
                one.href = link;
                one.textContent = "missed by the cleaning";
                document.querySelector("#notebook").append(one);
            }""",
            RAISE,
        )
        page.get_by_text("missed by the cleaning").click()
        page.wait_for_timeout(1000)
        assert any("Content Security Policy" in text for text in refused)
        assert report.locator("math").count() == 1 and report.get_by_text("a<b", exact=True).count() == 1
        for name in ("check_double", "check_halve", "report"):  # no mark by hand
            assert page.locator(f"input.score#{name}").input_value() == ""
        page.locator("span.glyphicon-eye-open").click()  # the page's own script runs
        page.get_by_text("eve").wait_for()
        assert page.get_by_role("link", name="Manage Assignments").count() == 0
        for path in ("manage_assignments", f"manage_submissions/{LAB}", f"api/submission/{LAB}/eve/autograde"):
            answer = page.request.fetch(server.url(f"formgrader/{path}"), headers=server.header, method="GET")
            assert answer.status == 404, path
    assert type_command("grade", "class").returncode == 0
    table = (tmp_path / "grading" / f"{LAB}.csv").read_text(encoding="utf-8-sig").splitlines()
    assert table[1].startswith("eve,,2,1,,0,3,5,yes")


@needs_jail
def test_an_instructor_grades_a_report_in_formgrader_and_the_table_gets_the_mark(page, tmp_path, type_command):
    hand_in(tmp_path / "class", "kim", answered(make_course(tmp_path)))
    assert type_command("grade", "class").returncode == 0
    with serving("formgrader", cwd=tmp_path) as server:
        open_submission(page, server)
        page.get_by_text(REPORT).wait_for()
        page.locator("input.score#report").fill("1.5")
        with page.expect_response(lambda response: "/api/grade/" in response.url and response.ok):
            page.keyboard.press("Tab")
    assert type_command("grade", "class").returncode == 0
    table = (tmp_path / "grading" / f"{LAB}.csv").read_text(encoding="utf-8-sig").splitlines()
    header, row = (line.split(",") for line in table)
    marks = dict(zip(header, row, strict=True))
    assert marks["report"] == "1.5" and marks["total"] == "4.5" and marks["needs_manual_grade"] == "no"
