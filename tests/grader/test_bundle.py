"""course_tools.grader.bundle: students get all they need, and no trace of an answer."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
from conftest import ROOT
from small_lab import make_lab

from course_tools.grader import bundle, labs, release
from course_tools.grader.judge import hidden_tests
from course_utils.errors import CourseError

BINARY = {".png", ".gz", ".safetensors"}


@pytest.fixture(scope="module")
def course_bundle(tmp_path_factory):
    """The bundle of this course, unpacked: file name to text, and the folder."""
    folder = tmp_path_factory.mktemp("student")
    bundle.write(folder / "course.zip", ROOT)
    with zipfile.ZipFile(folder / "course.zip") as made:
        made.extractall(folder)
    return folder / bundle.TOP


def texts(folder, *parts):
    """Path to text of all files in `parts` of the folder that are no pictures, weights or archives."""
    paths = [path for part in parts for path in (folder / part).rglob("*") if path.is_file()]
    paths = [path for path in paths if path.suffix not in BINARY]
    assert paths
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8", errors="replace") for path in paths}


@pytest.fixture(scope="module")
def everything(course_bundle):
    """All text of the bundle, without the pictures that notebooks hold."""
    return re.sub(r'"[A-Za-z0-9+/=\\n]{1000,}"', "", "\n".join(texts(course_bundle, "").values()))


def test_no_solutions_no_tests_and_no_judge_go_into_the_bundle(course_bundle):
    names = {path.relative_to(course_bundle).as_posix() for path in course_bundle.rglob("*")}
    tops = {name.split("/")[0] for name in (*bundle.FILES, "lessons/", "labs/", "course_utils/")}
    assert {name.split("/")[0] for name in names} == tops
    assert {name for name in names if name.startswith("docs/")} == {"docs/loop_filter.png"}
    assert not [name for name in names if re.search(r"judge\.py|checkpoints|pycache|egg-info|gradebook", name)]


def test_every_stored_result_that_a_lesson_reads_goes_along(course_bundle):
    lessons = texts(course_bundle, "lessons")
    read = {name for text in lessons.values() for name in re.findall(r"study/\d\d/\w+\.json", text)}
    assert read and {f"lessons/{name}" for name in read} <= set(lessons)


@pytest.mark.parametrize("lab", labs.find(ROOT), ids=lambda lab: lab.name)
def test_no_hidden_test_name_or_hint_stands_anywhere_in_the_bundle(everything, lab):
    for test in hidden_tests.load(lab.judge):
        assert test.hint not in everything
        assert test.name not in everything or not re.search(rf"\b{test.name}\b", everything)


@pytest.mark.parametrize("lab", labs.find(ROOT), ids=lambda lab: lab.name)
def test_no_line_of_a_solution_stands_in_its_lab_or_in_the_package(course_bundle, lab):
    """Lessons are left out: they teach what the labs then ask for. So is the codec library, with its studies.

    The codec labs compare with that library in the open, and say that an answer may not use it.
    """
    given = texts(course_bundle, "course_utils", f"labs/{lab.name}")
    library = ("course_utils/codec/",)
    given = "\n".join(text for path, text in given.items() if not path.startswith(library))
    source = "\n".join(labs.definitions(labs.read_source(lab)).values())
    solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, flags=re.DOTALL)
    lines = [line.strip() for solution in solutions for line in solution.splitlines() if len(line.strip()) > 40]
    assert lines and not [line for line in lines if line in given]


NAMES_OF_OURS = re.compile(r"\bcourse_tools\b|\bsolutions/(?!lab0\d/study/\w+\.py)|\bmake (?:test|check|setup)\b")


def test_no_text_names_what_students_do_not_have(course_bundle):
    """Labs, and what they quote, say which study made a table or a network."""
    named = {path: NAMES_OF_OURS.findall(text) for path, text in texts(course_bundle, "").items()}
    assert not {path: names for path, names in named.items() if names}


def test_the_students_project_has_no_extras_and_only_the_tables_that_build_it(course_bundle):
    """A table behind the last mark would stay in; a package that only instructors need is an extra."""
    project = tomllib.loads((course_bundle / "pyproject.toml").read_text(encoding="utf-8"))
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dependencies"] == whole["project"]["dependencies"]
    assert set(whole["project"]) - set(project["project"]) == {"optional-dependencies", "entry-points"}
    assert set(project["tool"]) == {"setuptools"}


def test_the_students_makefile_sets_up_and_opens_the_course_and_no_more(course_bundle):
    text = (course_bundle / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()
    assert text.count(".PHONY") == 1 and {"lab", "clean"} <= set(targets) <= {"lab", "clean", "same-torch"}
    done = subprocess.run(["make", "-n", "lab"], cwd=course_bundle, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "-e '.'" in done.stdout and ".venv/bin/course lab" in done.stdout, done


@pytest.fixture(scope="module")
def installed(course_bundle, tmp_path_factory):
    """The folder into which the unpacked bundle is installed, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    done = subprocess.run([*command, folder, "."], cwd=course_bundle, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_bundle_installs_with_its_data_and_the_students_package_alone(installed):
    assert {path.name for path in installed.iterdir() if path.is_dir() and "dist-info" not in path.name} - {"bin"} == {
        "course_utils"
    }
    given = {path.name for path in (ROOT / "course_utils" / "data" / "files").iterdir()}
    assert {path.name for path in (installed / "course_utils" / "data" / "files").iterdir()} == given


def test_the_students_command_has_three_verbs(course_bundle, installed):
    code = "from course_utils.command.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert re.findall(r"^  ([a-z]+)  ", done.stdout, re.MULTILINE) == ["lab", "doctor", "check"], done


def test_the_students_readme_speaks_of_nothing_that_the_bundle_lacks(course_bundle):
    readme = (course_bundle / "README.md").read_text(encoding="utf-8")
    assert "solutions/" not in readme and "course grade" not in readme and "make test" not in readme
    assert "CONTRIBUTING" not in readme and "tests/" not in readme and "for instructors" not in readme
    assert "make lab" in readme and "course check" in readme
    linked = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert "docs/loop_filter.png" in linked
    assert not [name for name in linked if not (course_bundle / name).is_file()]


def test_a_student_can_check_a_lab_in_the_unpacked_bundle(course_bundle):
    code = "from course_utils.command.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "labs/lab01/lab01.ipynb"],
        cwd=course_bundle,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1 and "[no]" in done.stdout and "hidden tests remain" in done.stdout, done


def test_the_same_course_gives_the_same_bytes(tmp_path):
    made = make_lab(tmp_path)
    release.write(made)
    for name in ("one.zip", "two.zip"):
        bundle.write(tmp_path / name, tmp_path)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_what_lies_beside_a_released_lab_stays_at_home(tmp_path):
    made = make_lab(tmp_path)
    release.write(made)
    (made.released.parent / "hidden.csv").write_text("1")
    (made.released.parent / "answer.ipynb").write_text("{}")
    assert bundle.write(tmp_path / "out.zip", tmp_path) == ["labs/lab99/lab99.ipynb"]


def test_a_stale_lab_is_not_bundled(tmp_path):
    make_lab(tmp_path)
    with pytest.raises(CourseError, match="labs/lab99 is stale"):
        bundle.write(tmp_path / "out.zip", tmp_path)
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(("name", "message"), [("out.tar", "call it out.zip"), ("no/out.zip", "no folder")])
def test_a_name_that_cannot_be_written_is_a_clear_error(tmp_path, name, message):
    make_lab(tmp_path)
    with pytest.raises(CourseError, match=message):
        bundle.write(tmp_path / name, tmp_path)
