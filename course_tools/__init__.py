"""What stands behind the `course` command for instructors and maintainers. No notebook imports it.

| module          | for                                                                                              |
| --------------- | ------------------------------------------------------------------------------------------------ |
| `grader`        | instructors: labs released, bundled, graded in a jail, and the grader itself audited             |
| `authoring`     | maintainers: notebooks run, validated, indexed, repeated with several seeds                      |
| `bench`         | maintainers: comparisons side by side with peers                                                 |
| `command`       | the verbs of both, which join the students' `course` by the entry points of `pyproject.toml`     |
| `notebook_code` | cells of the course's own notebooks, run in this process                                         |
| `processes`     | a process and all that it started: its memory, its processor time, its end                       |

It builds on `course_utils`, which knows nothing of it.
"""
