"""A class in which most students do harm, by mistake or on purpose, graded once: each gets a mark and a reason."""

import csv
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from small_class import DOUBLE, HALVE, LAB, WRONG, answered, hand_in, make_course, needs_jail, with_extra

pytestmark = [needs_jail, pytest.mark.timeout(400)]

SECRET = "a-secret-of-the-parent"
MARKER = "sleep 98765.4321"  # the command line of a process that must not outlive grading
GRADE_SECONDS = 300

# What the judge has not fetched yet waits in the kernel's memory: on a busy machine that limit may be met first.
TOO_MUCH_OUTPUT = ("halve put out more than", "halve used more than 500 MiB of memory")

# Code in the cell of `halve`, behind a right answer; the cell of `double` is right. What is expected: points, a reason.
IN_A_CELL = {
    "exits": ("import os\nos._exit(0)", 2, "halve ended the kernel: left out"),
    "crashes": ("import ctypes\nctypes.string_at(0)", 2, "halve ended the kernel: left out"),
    "shuts_down": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 2, "halve ended the kernel: left out"),
    "loops": ("while True:\n    pass", 3, "halve: took longer than 6 s"),
    "swallows_interrupts": (
        "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\nwhile True:\n    pass",
        2,
        "halve took longer than 6 s and did not stop when interrupted: left out",
    ),
    "memory_bomb": (
        "kept = []\nwhile True:\n    kept.append(bytearray(b'x' * 2**25))",
        2,
        "halve used more than 500 MiB of memory: left out",
    ),
    "memory_bomb_of_many": (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        kept = bytearray(b'x' * 10**8)\n"
        "        time.sleep(60)\ntime.sleep(60)",
        2,
        "halve used more than 500 MiB of memory: left out",
    ),
    "shared_memory_bomb": (
        "import mmap\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 2**25))\n    kept[-1].write(b'x' * 2**25)",
        2,
        "halve used more than 500 MiB of memory: left out",
    ),
    "fork_bomb": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        2,
        "halve started more than 12 processes: left out",
    ),
    "fills_the_disk": (
        "import tempfile\nfor place in ('.', tempfile.gettempdir(), '/dev/shm'):\n    for number in range(100):\n"
        "        with open(f'{place}/{number}', 'wb') as file:\n            file.write(b'x' * 2**20)",
        3,
        "halve: OSError: [Errno 28] No space left on device",
    ),
    "fills_one_file": (
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nopen('/dev/shm/x', 'wb').truncate(2**40)",
        3,
        "halve: OSError: [Errno 27] File too large",
    ),
    "floods": ("while True:\n    print('x' * 10_000)", 2, TOO_MUCH_OUTPUT),
    "floods_below_python": ("import os\nwhile True:\n    os.write(1, b'x' * 10_000)", 2, TOO_MUCH_OUTPUT),
    "puts_out_one_great_text": ("print('x' * 10**8)", 2, "halve put out more than"),
    "leaves_a_process": (
        f"import subprocess\nsubprocess.Popen({MARKER.split()!r}, start_new_session=True)",
        3,
        "",
    ),
    "leaves_a_daemon": (
        "import os, subprocess\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execvp('sleep', {MARKER.split()!r})\n    os._exit(0)",
        3,
        "",
    ),
    "wants_namespaces": (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.unshare(0x10000000) == 0, ctypes.get_errno()",
        3,
        "halve: AssertionError: 1",
    ),
    "wants_to_be_root": ("import os\nos.setuid(0)", 3, "halve: PermissionError"),
    "opens_a_socket": (
        "import socket\nsocket.create_connection(('127.0.0.1', PORT), timeout=2)",
        3,
        "halve: OSError: [Errno 101] Network is unreachable",
    ),
    "leaves_the_session": ("exit()\nquit()", 3, ""),
    "empties_the_session": ("get_ipython().run_line_magic('reset', '-f')", 3, ""),
    "says_what_no_encoding_has": ("raise ValueError('\\ud800')", 3, ""),
    "breaks_every_import": ("import builtins\nbuiltins.__import__ = None", 2, "halve took longer than 6 s"),
}

# Answers of students who want points that they did not earn: `double` is wrong in all of them.
FRAUD = {
    "patches_allclose": "import torch\ntorch.allclose = lambda *a, **k: True\ntorch.equal = torch.allclose",
    "patches_assert": (
        "import ast\nfrom IPython import get_ipython\n"
        "class No(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(No())"
    ),
    "patches_the_judge": (
        "from course_tools.grader.judge import hidden_tests\nfrom course_utils import compare\n"
        "compare.same = compare._same_numbers = hidden_tests.check = lambda *a, **k: None\n"
        "hidden_tests.hidden_test = lambda *a, **k: (lambda f: f)"
    ),
    "patches_the_agent": (
        "from course_tools.grader.judge.agent import Agent\n"
        "Agent.answer = lambda self, request: {'value': True, 'points': 99, 'passed': True}"
    ),
    "patches_the_channel": (
        "from IPython import get_ipython\nkernel = get_ipython().kernel\nsend = kernel.session.send\n"
        "def forge(stream, kind, content=None, *rest, **named):\n"
        "    if kind == 'judge_reply':\n        content = {'value': {'pickle': 'Y29zCnN5c3RlbQ=='}}\n"
        "    return send(stream, kind, content, *rest, **named)\nkernel.session.send = forge"
    ),
    "answers_with_deep_lists": "double = lambda x: __import__('functools').reduce(lambda a, _: [a], range(10**5), 1)",
    "answers_with_a_great_list": "double = lambda x: list(range(5_000_000))",
    "answers_with_every_shape": "double = lambda x: torch.zeros(0, 2**40, 2**20)",
    "answers_with_itself": "class Same(float):\n    def __eq__(self, other): return True\ndouble = lambda x: Same(7)",
    "patches_imports": (
        "import sys\nclass Any:\n    def find_spec(self, *a): raise ImportError('no')\n"
        "sys.meta_path.insert(0, Any())\nsys.modules.pop('course_tools.grader.judge.values', None)"
    ),
}


def cheat(lab, code):
    return answered(lab, double=f"{WRONG}\n{code}")


def damaged(lab, how):
    """A right notebook whose cells were damaged."""
    notebook = answered(lab)
    cells = {cell.id: cell for cell in notebook.cells}
    if how == "deletes_checks":
        notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("check")]
    elif how == "doubles_checks":
        notebook.cells = [copy for cell in notebook.cells for copy in ([cell, cell] if "check" in cell.id else [cell])]
    elif how == "doubles_answers":
        notebook.cells = [copy for cell in notebook.cells for copy in ([cell, cell] if cell.id == "halve" else [cell])]
    elif how == "retypes_cells":
        for name in ("double", "check-double", "check-halve"):
            cells[name].cell_type = "markdown"
            cells[name].pop("outputs", None)
            cells[name].pop("execution_count", None)
    elif how == "strips_metadata":
        for cell in notebook.cells:
            cell.metadata = {}
    elif how == "strips_metadata_and_ids":
        for number, cell in enumerate(notebook.cells):
            cell.metadata, cell.id = {}, f"n{number}"
    elif how == "reorders_cells":
        notebook.cells.reverse()
    elif how == "edits_checks":
        cells["check-halve"].source = "raise SystemExit"
        cells["check-double"].metadata.nbgrader["points"] = 1000
    return notebook


DAMAGE = (
    "deletes_checks",
    "doubles_checks",
    "doubles_answers",
    "retypes_cells",
    "strips_metadata",
    "strips_metadata_and_ids",
    "reorders_cells",
    "edits_checks",
)
UNREADABLE = {
    "invalid_json": "the file is not JSON",
    "empty_file": "the file is empty",
    "no_notebook": "the file is JSON, but no notebook",
    "too_large": "it has 200 MiB, and 20 MiB are allowed",
    "link_out": "symbolic link out of the folder",
    "a_pipe": "it is no ordinary file",
    "a_folder": "it is no ordinary file",
    "of_another_lab": "the notebook is of lab97",
    "deep_json": "the file is not JSON",
    "nothing_at_all": "handed in nothing for this lab",
}
FAIR = {
    "warns": ("double", "import warnings\ndef double(x):\n    warnings.warn('beware')\n    return 2 * x"),
    "other_names": ("double", "def twice(value, /):\n    result = value + value\n    return result\ndouble = twice"),
    "in_place": ("double", "def double(x):\n    x *= 2\n    return x"),
    "plots_slowly": (
        "double",
        f"{DOUBLE}\nimport time\nimport matplotlib.pyplot as plt\ntime.sleep(2)\nplt.plot([1, 2])\nplt.show()",
    ),
    "prints_much": ("double", f"{DOUBLE}\nfor number in range(20_000):\n    print(number)"),
}


def spy(course, submissions, into):
    """A cell that prints all it can find of what it must not see."""
    places = [
        str(course.judge),
        str(course.source),
        str(submissions / "good" / f"{LAB}.ipynb"),
        str(into / "gradebook.db"),
        "/etc/shadow",
        "/etc/passwd",
        "/proc/1/environ",
        "/proc/self/environ",
    ]
    return f"""
import glob, os, pathlib, subprocess
for place in {places!r}:
    try:
        print("READ", place, pathlib.Path(place).read_bytes()[:2000])
    except OSError as error:
        print("refused", place, error)
print("ENVIRONMENT", dict(os.environ))
print("PROCESSES", sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
print("COURSE", [name for name, *_ in os.walk({str(course.root)!r})][:50])
for folder in ("/", "/root", "/home", "/tmp", "/run", "/etc"):
    print("FOLDER", folder, os.listdir(folder))
print("WRITE", [place for place in ("/", "/usr", "/dev", "/run", "/etc", "/proc/sys/kernel/hostname")
                if os.access(place, os.W_OK)])
print(subprocess.run("cat /proc/*/environ", shell=True, capture_output=True, text=True).stdout)
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded by one `course grade -j 2`, shared by all workers of this test run."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    with Path(shared, "class.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shared / "attacked"
        if not (folder / "told.json").is_file():
            grade_the_class(folder)
    told = json.loads((folder / "told.json").read_text())
    with Path(folder, "grading", f"{LAB}.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    return SimpleNamespace(rows=rows, into=folder / "grading", folder=folder, **told)


def grade_the_class(folder):
    folder.mkdir()
    lab = make_course(folder)
    other = make_course(folder, name="lab97", judge=JUDGE_97)
    submissions, into = folder / "submissions", folder / "grading"
    fill(lab, other, submissions, into)
    command = [Path(sys.executable).with_name("course"), "grade", str(submissions), "--lab", LAB, "-j", "2"]
    started = time.monotonic()
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:  # no pipe that a child could hold
        process = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=err, start_new_session=True, env={**os.environ, "SECRET": SECRET}
        )
        try:
            process.wait(timeout=GRADE_SECONDS)
        finally:
            process.kill()
    told = {"code": process.returncode, "seconds": time.monotonic() - started}
    left = [process.info["pid"] for process in psutil.process_iter(["pid", "cmdline"]) if is_left(process, folder)]
    told |= {"left": left, "out": (folder / "stdout").read_text(), "err": (folder / "stderr").read_text()}
    (folder / "told.json").write_text(json.dumps(told))


def is_left(process, folder):
    line = " ".join(process.info["cmdline"] or [])
    return MARKER in line or (("bwrap" in line or "warden" in line) and str(folder) in line)


JUDGE_97 = """
from course_tools.grader.judge.hidden_tests import hidden_test
from course_utils.compare import same

@hidden_test("check_double", points=2, hint="")
def doubles(student, generator):
    same(student.double(1), 2, "double")

@hidden_test("check_halve", points=1, hint="")
def halves(student, generator):
    same(student.halve(2), 1, "halve")
"""


def fill(lab, other, folder, into):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    hand_in(folder, "good", answered(lab))
    hand_in(folder, "zeta", answered(lab))  # the last one to be graded
    for student, (code, _, _) in IN_A_CELL.items():
        hand_in(folder, student, answered(lab, halve=f"{HALVE}\n{code.replace('PORT', str(port))}"))
    for student, code in FRAUD.items():
        hand_in(folder, student, cheat(lab, code))
    for student in DAMAGE:
        hand_in(folder, student, damaged(lab, student))
    for student, (name, code) in FAIR.items():
        hand_in(folder, student, answered(lab, **{name: code}))
    hand_in(folder, "has_extra_cells", with_extra(answered(lab), "1 / 0", after="title"))
    hand_in(folder, "spy", with_extra(answered(lab), spy(lab, folder, into)))
    hand_in(folder, "dies_when_called", answered(lab, double="import os\ndef double(x):\n    os._exit(1)"))
    hand_in(folder, "hangs_when_called", answered(lab, double="def double(x):\n    while True:\n        pass"))
    hand_in(folder, "scripts", answered(lab, report="<script>alert(1)</script> [x](javascript:alert(1)) if a < b"))
    hand_in(folder, "draws_html", with_extra(answered(lab), "from IPython.display import HTML\nHTML('<b>bold</b>')"))
    for student, text in {
        "invalid_json": "{",
        "empty_file": "",
        "no_notebook": "[1]",
        "deep_json": "[" * 10**5,
    }.items():
        hand_in(folder, student, text)
    other_notebook = nbformat.read(other.released, as_version=4)
    for cell in other_notebook.cells:
        cell.id = f"other-{cell.id}"
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["grade_id"] += "_97"
        cell.source = cell.source.replace("double", "triple").replace("halve", "third") + "\n# of lab97"
    nbformat.write(other_notebook, other.released)
    hand_in(folder, "of_another_lab", other_notebook)
    with hand_in(folder, "too_large", b"").open("wb") as file:
        file.truncate(200 * 2**20)
    (folder.parent / "outside.ipynb").write_text(json.dumps(answered(lab)))
    for student in ("link_out", "a_pipe", "a_folder", "nothing_at_all"):
        (folder / student).mkdir()
    (folder / "link_out" / f"{LAB}.ipynb").symlink_to(folder.parent / "outside.ipynb")
    os.mkfifo(folder / "a_pipe" / f"{LAB}.ipynb")
    (folder / "a_folder" / f"{LAB}.ipynb").mkdir()


def test_the_class_is_graded_and_asks_for_a_person_without_a_traceback(graded):
    assert graded.code == 3, graded.err
    assert "Traceback" not in graded.err + graded.out and len(graded.rows) == len(
        list((graded.folder / "submissions").iterdir())
    )


@pytest.mark.parametrize("student", IN_A_CELL)
def test_harm_in_one_cell_costs_no_more_than_that_cell(graded, student):
    _, points, reason = IN_A_CELL[student]
    row = graded.rows[student]
    assert (row["check_double"], row["check_halve"]) == ("2", str(points - 2)), row
    assert any(expected in row["reasons"] for expected in ((reason,) if isinstance(reason, str) else reason))


@pytest.mark.parametrize("student", FRAUD)
def test_who_patches_what_is_near_gains_nothing(graded, student):
    row = graded.rows[student]
    assert row["check_double"] == "0" and "doubles_numbers (-1)" in row["reasons"], row


@pytest.mark.parametrize("student", DAMAGE)
def test_a_damaged_notebook_loses_nothing(graded, student):
    row = graded.rows[student]
    assert row["total"] == "3" and row["needs_manual_grade"] == "yes", row
    repairs = [remark for remark in row["remarks"].split("; ") if not remark.startswith("equal to")]
    assert bool(repairs) == (student != "reorders_cells")


@pytest.mark.parametrize("student", UNREADABLE)
def test_a_file_that_cannot_be_used_gets_no_points_and_a_reason(graded, student):
    row = graded.rows[student]
    assert row["total"] == "0" and UNREADABLE[student] in row["reasons"], row


@pytest.mark.parametrize("student", [*FAIR, "has_extra_cells"])
def test_a_right_answer_is_not_lowered_by_how_it_is_given(graded, student):
    row = graded.rows[student]
    assert (row["check_double"], row["check_halve"]) == ("2", "1"), row


def test_the_neighbours_have_their_marks(graded):
    for student in ("good", "zeta"):
        assert graded.rows[student] | {"student": "", "remarks": ""} == graded.rows["good"] | {
            "student": "",
            "remarks": "",
        }
        assert graded.rows[student]["total"] == "3" and graded.rows[student]["reasons"] == ""


def test_a_call_that_kills_or_hangs_costs_its_own_tests_alone(graded):
    reasons = {"dies_when_called": "ended the kernel", "hangs_when_called": "double took longer than 4 s"}
    for student, reason in reasons.items():
        row = graded.rows[student]
        assert (row["check_double"], row["check_halve"]) == ("0", "1") and reason in row["reasons"], row


def test_no_process_outlives_grading(graded):
    assert graded.left == []


def test_nobody_takes_longer_than_the_limits_allow(graded):
    assert graded.seconds < GRADE_SECONDS
    for place in (graded.into / "cache").iterdir():
        assert json.loads(place.read_text())["seconds"] < 60 + 30, place  # the limit, and the time to stop and start


def test_no_mark_is_above_its_maximum(graded):
    for row in graded.rows.values():
        assert float(row["check_double"]) <= 2 and float(row["check_halve"]) <= 1 and row["max"] == "5"


def test_a_submission_sees_nothing_but_itself(graded):
    notebook = nbformat.read(graded.into / "autograded" / "spy" / LAB / f"{LAB}.ipynb", as_version=4)
    seen = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert graded.rows["spy"]["total"] == "3" and "ENVIRONMENT" in seen and "WRITE []" in seen
    assert SECRET not in seen and "271828" not in seen and "BEGIN SOLUTION" not in seen
    for line in seen.splitlines():
        if line.startswith("READ"):
            assert line.split()[1] in ("/proc/self/environ", "/proc/1/environ"), line
        if line.startswith("PROCESSES"):
            assert len(line.split()) < 5, line
        if line.startswith("COURSE"):
            assert line == "COURSE []", line


def test_the_gradebook_holds_the_marks_of_the_table_and_nothing_else(graded):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{graded.into / 'gradebook.db'}") as book:
        assert [assignment.name for assignment in book.assignments] == [LAB]
        for submission in book.assignment_submissions(LAB):
            assert f"{submission.score:g}" == graded.rows[submission.student.id]["total"]
        assert len(book.assignment_submissions(LAB)) == len(graded.rows)


def test_what_a_student_wrote_or_drew_is_no_active_content_for_the_instructor(graded):
    page = (graded.into / "feedback" / "scripts" / LAB / f"{LAB}.html").read_text()
    assert "<script" not in page and 'href="javascript:' not in page and "if a &lt; b" in page
    drawn = (graded.into / "autograded" / "draws_html" / LAB / f"{LAB}.ipynb").read_text()
    assert "text/html" not in drawn


def test_output_is_kept_up_to_a_size(graded):
    for student in ("floods", "prints_much", "floods_below_python"):
        place = graded.into / "autograded" / student / LAB / f"{LAB}.ipynb"
        assert place.stat().st_size < 100_000


def test_feedback_tells_points_and_hints_but_nothing_of_the_tests(graded):
    page = (graded.into / "feedback" / "patches_allclose" / LAB / f"{LAB}.html").read_text()
    assert "doubles numbers (1): the numbers differ<br>→ for every number" in page and "not graded yet" in page
    assert "allowed)" not in page and "271828" not in page
