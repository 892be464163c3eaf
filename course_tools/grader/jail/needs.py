"""What `course doctor` says of the sandbox; it imports everywhere, also where no jail can be had."""

import sys


def sandbox() -> tuple[str, str]:
    """The status of the sandbox and a text, as `course_utils.command.doctor` shows them."""
    if sys.platform != "linux":
        return "warn", "students need none; to grade a class, use Linux with bubblewrap"
    from course_tools.grader.jail import sandbox  # needs Linux

    trouble = sandbox.trouble()
    if trouble:
        return "warn", f"students need none; to grade: {trouble}"
    return "ok", f"{sandbox.version()}: submissions run without network, files or rights"
