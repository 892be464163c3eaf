"""What `course doctor` says of the sandbox; it imports everywhere, also where no jail can be had."""


def sandbox() -> tuple[str, str]:
    """The status of the sandbox and a text, as `course_utils.command.doctor` shows them."""
    try:
        from course_tools.grader.jail import sandbox
    except ImportError:  # Windows has no `resource`
        return "warn", "students need none; to grade a class, use Linux with bubblewrap"
    trouble = sandbox.trouble()
    if trouble:
        return "warn", f"students need none; to grade: {trouble}"
    return "ok", f"{sandbox.version()}: submissions run without network, files or rights"
