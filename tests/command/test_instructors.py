"""The instructors' verbs, typed as an instructor types them on a course of one lab."""

import zipfile

import pytest
from conftest import assert_one_clear_line
from small_class import LAB, answered, hand_in, make_course, needs_jail


@pytest.fixture
def small_course(tmp_path):
    return make_course(tmp_path)


@needs_jail
@pytest.mark.timeout(280)
def test_a_graded_class_is_exported_for_moodle_for_canvas_and_as_pages(small_course, tmp_path, type_command):
    hand_in(tmp_path / "class", "kim", answered(small_course))
    assert type_command("grade", "class").returncode == 0
    for system, ending in (("moodle", ".csv"), ("canvas", ".csv"), ("feedback", ".zip")):
        done = type_command("export", LAB, "--for", system)
        place, _, said = done.stdout.strip().partition(" written: ")
        assert done.returncode == 0 and said == "1 students" and place.endswith(ending), done
        assert (tmp_path / place).stat().st_size > 0
    assert_one_clear_line(type_command("export", LAB, "--for", "blackboard"), "choose moodle, canvas or feedback")
    assert_one_clear_line(type_command("export", LAB, "--into", "elsewhere"), "run `course grade` first")


def test_an_audit_says_what_it_judged_and_exits_1_where_something_is_wrong(small_course, type_command):
    done = type_command("audit", LAB, "--no-mutants", "-j", "1")
    assert done.returncode == 0 and "0 wrong and 0 right answers" in done.stdout and "no fault" in done.stdout, done
    small_course.answers("wrong").write_text(
        "# === right\n# fails: halves_numbers\n# %% halve\ndef halve(x):\n    return x / 2\n"
    )
    done = type_command("audit", LAB, "--no-mutants", "-j", "1")
    assert done.returncode == 1 and "FAULT: wrong right: not noticed by halves_numbers" in done.stdout, done
    small_course.answers("wrong").write_text("# === right\n# fails: nothing\n# %% halve\nhalve = None\n")
    assert_one_clear_line(type_command("audit", LAB, "--no-mutants"), "needs `# fails: …` with tests of")


def test_a_bundle_holds_the_lab_and_neither_its_solution_nor_its_tests(small_course, tmp_path, type_command):
    done = type_command("bundle", "course.zip")
    assert done.returncode == 0, done
    names = zipfile.ZipFile(tmp_path / "course.zip").namelist()
    assert any(name.endswith(f"labs/{LAB}/{LAB}.ipynb") for name in names)
    assert not any("solutions" in name or "judge.py" in name for name in names)


def test_a_copy_of_ones_own_holds_the_labs_and_lies_outside_the_course(small_course, tmp_path_factory, type_command):
    mine = tmp_path_factory.mktemp("home") / "mine"
    assert_one_clear_line(type_command("get", "mine"), "lies in the course itself: name a folder of your own")
    done = type_command("get", str(mine))
    assert done.returncode == 0 and "none replaced" in done.stdout, done
    assert (mine / "labs" / LAB / f"{LAB}.ipynb").is_file()
