"""What one submission may use while it is graded."""

from dataclasses import dataclass, fields

from nbformat import NotebookNode

from course_utils.errors import CourseError


@dataclass(frozen=True)
class Limits:
    """Limits of one submission; a lab sets its own in its source notebook's `metadata.course.grading`.

    cell_seconds: wall clock of one cell; call_seconds: of one call by the judge; submission_seconds: of everything
    memory_mib: of the whole process tree; processes: alive at a time
    disk_mib: of home, /tmp and /dev/shm together; output_mib: what the cells may print and draw
    """

    cell_seconds: float = 300
    call_seconds: float = 120
    submission_seconds: float = 900
    memory_mib: int = 4096
    processes: int = 32
    disk_mib: int = 256
    output_mib: int = 64


def of(source: NotebookNode) -> Limits:
    """The limits that a lab's source notebook sets. Raises `CourseError` for an unknown or unreasonable one."""
    asked = source.metadata.get("course", {}).get("grading", {})
    known = {field.name: type(field.default) for field in fields(Limits)}
    for name, value in asked.items():
        kinds = (int,) if known.get(name) is int else (int, float)
        if name not in known or type(value) not in kinds or value <= 0:
            raise CourseError(f"metadata.course.grading: {name} = {value!r} is no limit; there are {', '.join(known)}")
    return Limits(**asked)
