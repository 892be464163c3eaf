"""Both halves in a real browser: a student solves an exercise in JupyterLab, an instructor grades a report.

Skipped where Chromium is not installed; CI installs it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import ROOT
from small_class import LAB, REPORT, answered, hand_in, make_course, needs_jail

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: install the course's dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `apt-get install chromium`"),
    pytest.mark.timeout(240),
]
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
MILLISECONDS = 90_000  # to wait for one thing on a busy machine
OUTPUT_SIZE = """def output_size(size, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size + 2 * padding - reach) // stride + 1
"""


@pytest.fixture
def page() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        opened = browser.new_page(viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(MILLISECONDS)
        yield opened
        browser.close()


@contextmanager
def serving(*arguments: str, cwd: Path) -> Iterator[str]:
    """Run `course …` on a free port; the address, with its token, that the server prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("course"), *arguments, "--port", str(port), "--no-browser"]
    server = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    stop = threading.Timer(
        MILLISECONDS / 1000, os.killpg, (server.pid, signal.SIGKILL)
    )  # or a server that never speaks would be waited for
    stop.start()
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if found := re.search(rf"http://127\.0\.0\.1:{port}/\S*token=\w+", line):
                break
        else:
            pytest.fail(f"no address from the server: {''.join(said)}")
        while not listens(port):  # the address is printed a moment earlier
            time.sleep(0.2)
        stop.cancel()
        threading.Thread(target=server.stdout.read, daemon=True).start()  # a full pipe would stop the server
        yield found[0]
    finally:
        stop.cancel()
        # The command and the Jupyter that it started; Jupyter then ends its kernels.
        os.killpg(server.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        deadline = time.monotonic() + 20
        while listens(port) and time.monotonic() < deadline:
            time.sleep(0.2)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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


def test_a_student_solves_an_exercise_in_jupyterlab_and_sees_the_check(page, tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").touch()
    lab = tmp_path / "labs" / "lab01" / "lab01.ipynb"
    lab.parent.mkdir(parents=True)
    shutil.copy(ROOT / "labs" / "lab01" / "lab01.ipynb", lab)
    with serving("lab", str(lab), cwd=tmp_path) as address:
        page.goto(address)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        run_cell(page, "from course_utils import checks").get_by_text("[1]:").wait_for()
        answer(page, "def output_size", OUTPUT_SIZE.replace("stride + 1", "stride"))
        refused = run_cell(page, "checks.same(output_size(")
        refused.get_by_text("[no] output_size(28, 3): expected 26, got 25").wait_for()
        answer(page, "def output_size", OUTPUT_SIZE)
        accepted = run_cell(page, "checks.same(output_size(")
        accepted.get_by_text("[ok] output_size(7, 3, 2, 1): 4, equal").wait_for()


@needs_jail
def test_an_instructor_grades_a_report_in_formgrader_and_the_table_gets_the_mark(page, tmp_path, type_command):
    hand_in(tmp_path / "class", "kim", answered(make_course(tmp_path)))
    assert type_command("grade", "class").returncode == 0
    with serving("formgrader", cwd=tmp_path) as address:
        page.goto(address)
        page.get_by_role("link", name=LAB).click()
        page.get_by_role("link", name=LAB).last.click()  # the assignment's only notebook
        page.get_by_role("link", name="Submission #1").click()
        page.get_by_text(REPORT).wait_for()
        page.locator("input.score#report").fill("1.5")
        with page.expect_response(lambda response: "/api/grade/" in response.url and response.ok):
            page.keyboard.press("Tab")
    assert type_command("grade", "class").returncode == 0
    table = (tmp_path / "grading" / f"{LAB}.csv").read_text(encoding="utf-8").splitlines()
    header, row = (line.split(",") for line in table)
    marks = dict(zip(header, row, strict=True))
    assert marks["report"] == "1.5" and marks["total"] == "4.5" and marks["needs_manual_grade"] == "no"
