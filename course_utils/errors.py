"""The one exception for a user's mistake: a clear line that says what to do, and no traceback."""


class CourseError(Exception):
    """Something the user can mend; the message is one line that says how.

    The `course` command prints the message and exits with code 2. A notebook shows the message alone, since IPython
    asks an exception for `_render_traceback_` before it draws a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"CourseError: {self}"]
