"""course_utils.command.app: what holds for every verb."""

import io
import sys

import pytest

from course_utils.command import app


def test_what_an_encoding_lacks_is_printed_as_a_question_mark(monkeypatch):
    """Korean Windows redirects in cp949, which has no minus sign and no dash."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp949")
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        app.run(lambda: print("1 − d: 안 맞음 \U0001f389"))
    stream.flush()
    assert ended.value.code == 0 and stream.buffer.getvalue().decode("cp949").strip() == "1 ? d: 안 맞음 ?"
