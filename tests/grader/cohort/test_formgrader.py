"""course_tools.grader.cohort.formgrader: nbgrader's page, from the gradebook alone, until it is stopped."""

import signal
import urllib.request

import pytest
from conftest import assert_one_clear_line
from served import listens, serving

from course_tools.grader.cohort.gradebook import Recorder


@pytest.fixture
def grading(course, tmp_path):
    """A grading folder with one assignment in its gradebook, in a course."""
    course("print(1)", execute=False)
    folder = tmp_path / "grading"
    (folder / "source" / "lab99").mkdir(parents=True)
    with Recorder(folder) as recorder:
        recorder.gradebook.add_assignment("lab99")
    return folder


def test_it_shows_the_gradebook_and_a_signal_ends_it_and_leaves_no_file(grading, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serving("formgrader", cwd=tmp_path, TMPDIR=str(temporary)) as server:
        request = urllib.request.Request(server.url("formgrader/api/assignments"), headers=server.header)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert '"lab99"' in answer.read().decode()
        assert list(temporary.iterdir())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    assert not listens(server.port) and not list(temporary.iterdir())


def test_it_says_what_to_do_where_nothing_was_graded(course, type_command):
    course("print(1)", execute=False)
    assert_one_clear_line(type_command("formgrader", "--no-browser"), "no gradebook in", "run `course grade` first")
