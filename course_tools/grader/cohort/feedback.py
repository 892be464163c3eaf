"""A page for the student: points by exercise, the notebook with what failed and what to look at, in two languages.

Nothing of the hidden data is on it. Of a failed case the page names the kind of the difference: an exception's class,
shapes and dtypes. The numbers of a test stay with the instructor.
"""

import builtins
import html
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grader.cohort import rendering, sanitise
from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.execution import NOT_TRIED
from course_tools.grader.cohort.gradebook import HIDDEN_TESTS, Graded
from course_tools.grader.jail import pictures
from course_utils.command import notebooks

LANGUAGES = ("en", "ko")
WORDS = {
    "of": ("of", "/"),
    "points": ("points", "점"),
    "exercise": ("exercise", "문제"),
    "reached": ("points", "점수"),
    "most": ("of", "만점"),
    "look": ("what to look at", "살펴볼 점"),
    "waits": ("not graded yet", "아직 채점되지 않음"),
    "withheld": ("held back until a person has looked", "사람이 확인할 때까지 보류됨"),
    "late": ("late: points taken off", "지각 제출 감점"),
    "notes": ("Notes", "알림"),
    "notebook": ("Your notebook", "제출한 노트북"),
    "failed": ("did not pass", "통과하지 못함"),
    "comment": ("Comment", "의견"),
    "exception": ("your code raised {}", "코드에서 {} 예외가 발생했습니다"),
    "own_exception": ("your code raised an exception of its own", "코드에서 직접 만든 예외가 발생했습니다"),
    "not_written": ("not written yet", "아직 작성되지 않았습니다"),
    "shape": ("expected {}, got {}", "기대한 것은 {}, 받은 것은 {}"),
    "numbers": ("the numbers differ", "값이 다릅니다"),
    "values": ("another number of values was expected", "반환값의 개수가 다릅니다"),
    "time": ("it took too long", "시간이 너무 오래 걸렸습니다"),
    "lost": ("the kernel ended, or used too much", "커널이 종료되었거나 한도를 넘었습니다"),
    "not_tried": (
        "not tried, since another case of the exercise ended it",
        "같은 문제의 다른 경우 때문에 실행되지 않음",
    ),
    "kind": ("another kind of value was expected", "다른 종류의 값이 필요합니다"),
    "other": ("the answer is not the right one", "답이 올바르지 않습니다"),
}
TENSOR = r"shape \([\d, ]*\), \w+"
SHAPES = re.compile(rf"expected ({TENSOR}|\w*\d+|bool), got ({TENSOR}|\w*\d+|bool)$")
TYPES = re.compile(r"^(float|bfloat|int|uint)\d+$|^bool$|^shape")
NUMBERS = re.compile(r"expected (-?\d|-?inf|nan)\S*, got (-?\d|-?inf|nan)")
EXCEPTION = re.compile(r"^[\w.()\[\]… ]+: ([A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Warning))\b")
TOO_LONG = re.compile(r"took longer than|no time left")
ENDED = re.compile(r"ended the kernel|used more than|started more than|put out more")
STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1rem; color: #1a1a1a }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem } .total { font-size: 1.2rem; font-weight: 600 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ddd }
ul { margin: 0; padding-left: 1.2rem } img { max-width: 100%; height: auto }
pre { background: #f6f6f6; padding: .6rem .8rem; overflow-x: auto; font-size: .85rem; line-height: 1.45 }
pre.put-out { background: none; border-left: 3px solid #ccc }
.case, .comment { padding: .1rem .8rem; margin: .6rem 0 }
.case { border-left: 4px solid #b3430f; background: #fdf3ee }
.comment { border-left: 4px solid #1b5e9e; background: #eef4fb }
"""


def page(graded: Graded, assignment: Assignment, notebook: NotebookNode | None, *, language: str = "en") -> str:
    """The page as HTML. notebook: what ran, with its output; language: one of `LANGUAGES`."""
    words = {name: texts[LANGUAGES.index(language)] for name, texts in WORDS.items()}
    titles = _titles(assignment)
    rows = []
    for name, most in graded.most.items():
        points = graded.points[name]
        reached = words["waits"] if points is None else f"{points:g}"
        if any(ask.startswith(f"{name}: ") and "withheld" in ask for ask in graded.asks):
            reached = f"{reached}, {words['withheld']}"
        said = [_failed(case, hint, words) for case, hint in _cases(graded, assignment, name, words)]
        said += [html.escape(text) for key, text in graded.comments.items() if key == name or f"check_{key}" == name]
        items = "".join(f"<li>{line}" for line in said)
        cells = f"<td>{html.escape(titles[name])}<td class=number>{reached}<td class=number>{most:g}"
        rows.append(f"<tr>{cells}<td>{f'<ul>{items}</ul>' if items else ''}")
    lines = [*([graded.trouble] if graded.trouble else []), *graded.notes, *graded.remarks]
    if graded.penalty:
        lines.insert(0, f"{words['late']}: {graded.penalty:g}")
    notes = "".join(f"<li>{html.escape(line)}" for line in lines)
    title = html.escape(f"{graded.lab}: {graded.name or graded.student}")
    total = f"{graded.total:g} {words['of']} {sum(graded.most.values()):g} {words['points']}"
    answers = _notebook(notebook, graded, assignment, words) if notebook is not None and not graded.trouble else ""
    return f"""<!DOCTYPE html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{STYLE}</style>
<h1>{title}</h1>
<p class=total>{total}</p>
<div class=wide><table>
<tr><th>{words["exercise"]}<th>{words["reached"]}<th>{words["most"]}<th>{words["look"]}
{chr(10).join(rows)}
</table></div>
{f"<h2>{words['notes']}</h2><ul>{notes}</ul>" if notes else ""}
{f"<h2>{words['notebook']}</h2>{answers}" if answers else ""}
</html>
"""


def write(folder: Path, graded: Graded, assignment: Assignment, *, language: str) -> Path:
    """Write the student's page under `folder`, the one of `course grade`; the page's place."""
    ran = folder / "autograded" / graded.student / graded.lab / f"{graded.lab}.ipynb"
    notebook = nbformat.read(ran, as_version=4) if ran.is_file() else None
    place = folder / "feedback" / graded.student / graded.lab / f"{graded.lab}.html"
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made = page(graded, assignment, notebook, language=language)
    except Exception:  # something that was handed in cannot be shown: the marks can
        made = page(graded, assignment, None, language=language)
    notebooks.write_text(place, made)
    return place


def case_of(reason: str, words: dict[str, str]) -> str:
    """What a test's reason says that is not hidden: the class of an exception, shapes and dtypes, but no number."""
    if reason.startswith(NOT_TRIED):
        return words["not_tried"]
    if "not written yet" in reason:
        return words["not_written"]
    if TOO_LONG.search(reason):
        return words["time"]
    if ENDED.search(reason):
        return words["lost"]
    raised = EXCEPTION.match(reason)
    if raised and "expected" not in reason.split(raised[1])[0]:
        # The name of a class that the student made might carry what its code was called with.
        return words["exception"].format(raised[1]) if hasattr(builtins, raised[1]) else words["own_exception"]
    shapes = SHAPES.search(reason)
    if shapes and all(map(TYPES.match, shapes.groups())):
        return words["shape"].format(*shapes.groups())
    if re.search(r"expected \d+ values", reason):
        return words["values"]
    if NUMBERS.search(reason):
        return words["numbers"]
    return words["kind"] if re.search(r"expected .*, got (a|an|None|shape)\b", reason) else words["other"]


def _cases(graded: Graded, assignment: Assignment, exercise: str, words: dict[str, str]) -> list[tuple[str, str]]:
    """Of each failed test of an exercise: what failed, and the hint."""
    found = {name: (passed, reason) for name, passed, reason in graded.outcomes}
    own = [test for test in assignment.tests if test.exercise == exercise and not found.get(test.name, (True, ""))[0]]
    return [
        (f"{test.name.replace('_', ' ')} ({test.points:g}): {case_of(found[test.name][1], words)}", test.hint)
        for test in own
    ]


def _failed(case: str, hint: str, words: dict[str, str]) -> str:
    return html.escape(case) + (f"<br>→ {html.escape(hint)}" if hint else "")


def _titles(assignment: Assignment) -> dict[str, str]:
    """The heading under which each graded cell stands, by its grade id."""
    titles, heading = {}, ""
    names = {exercise.grade_id for exercise in assignment.exercises}
    for cell in assignment.source.cells:
        own = notebooks.nbgrader_fields(cell).get("grade_id")
        if own in names:
            titles[own] = f"{heading} · {own.removeprefix('check_')}" if heading else own.removeprefix("check_")
        elif cell.cell_type == "markdown":
            headings = re.findall(r"^#{2,4} +(.+)$", cell.source, re.MULTILINE)
            heading = headings[-1].strip() if headings else heading
    return titles


def _notebook(notebook: NotebookNode, graded: Graded, assignment: Assignment, words: dict[str, str]) -> str:
    """The student's own cells, and under each check what failed there; the lab's own text is left out."""
    released = {str(cell.id): cell.source for cell in assignment.released.cells}
    parts = []
    for cell in notebook.cells:
        kind, name = sanitise.kind_of(cell), notebooks.nbgrader_fields(cell).get("grade_id", "")
        own = cell.source != released.get(str(cell.id))
        if kind == sanitise.CHECK:
            parts += [
                f"<div class=case><p>{_failed(*case, words)}</div>" for case in _cases(graded, assignment, name, words)
            ]
        elif cell.cell_type == "markdown":
            parts.append(
                f"<div class=wide>{rendering.shown(cell.source, cell.get('attachments'))}</div>" if own else ""
            )
        elif own or kind == sanitise.SOLUTION:
            parts.append(f"<pre>{html.escape(cell.source)}</pre>{_outputs(cell)}")
        if name in graded.comments:
            parts.append(f"<div class=comment><p>{words['comment']}: {html.escape(graded.comments[name])}</div>")
    return "\n".join(filter(None, parts))


def _outputs(cell: NotebookNode) -> str:
    made = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        drawn = [f'<img alt="" src="data:{kind};base64,{data[kind]}">' for kind in pictures.SAFE if kind in data]
        text = output.get("text") or "\n".join(output.get("traceback", [])) or data.get("text/plain", "")
        if drawn:
            made.append(drawn[0])
        elif text and not text.startswith(HIDDEN_TESTS):
            made.append(f'<pre class="put-out">{html.escape(text)}</pre>')
    return "".join(made)
