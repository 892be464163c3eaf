"""course_tools.command.progress: one bar, for a terminal alone."""

import io

import pytest

from course_tools.command import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "drawn"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_is_drawn_for_a_terminal_alone(monkeypatch, stream, drawn):
    monkeypatch.setattr("sys.stderr", stream)
    with progress.bar("grading", "submission") as show:
        show(3, 10)
    said = stream.getvalue()
    assert ("grading:  30%" in said and "3/10" in said) == drawn and bool(said) == drawn
    assert not drawn or said.endswith("\r")  # it is gone at the end
