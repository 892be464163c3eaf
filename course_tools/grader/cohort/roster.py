"""Who is who: the students' ids, whatever their files are called, and what a roster or a download says of them."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from course_utils.command import notebooks
from course_utils.errors import CourseError

MOST_NAME = 100  # characters of a student's id
MOST_BYTES = 200  # of it: a file's name has 255
COLUMNS = {  # what a roster's headings may be called, in lower case
    "id": ("id", "student", "student id", "username", "sis login id", "학번"),
    "name": ("name", "student name", "full name", "이름", "성명"),
    "email": ("email", "email address", "e-mail", "이메일"),
    "lms_id": ("lms_id", "lms id", "canvas id", "moodle id", "id number"),
}
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)$")
CANVAS = re.compile(r"^(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d+)_(?P<number>\d+)_(?P<rest>.+)$")


@dataclass(frozen=True)
class Student:
    """A line of the roster. lms_id: the number under which Moodle or Canvas knows the student."""

    id: str
    name: str = ""
    email: str = ""
    lms_id: str = ""


@dataclass(frozen=True)
class Owner:
    """Whose file it is, as its name says. number: tells two of one name apart; rest: the file's own name, or ""."""

    name: str
    number: str = ""
    lms_id: str = ""
    rest: str = ""
    late: bool = False


def owner_of(name: str, *, folder: bool = False) -> Owner:
    """Read a name as Moodle and Canvas make them when all submissions are downloaded, or take it as it is.

    folder: it is a folder's name; Canvas makes none
    """
    if moodle := MOODLE.match(name):
        return Owner(moodle["name"], moodle["number"], rest=moodle["rest"])
    if not folder and (canvas := CANVAS.match(name)):
        late = canvas["late"] is not None
        return Owner(f"{canvas['name']}_{canvas['user']}", lms_id=canvas["user"], rest=canvas["rest"], late=late)
    return Owner(name)


def student_id(name: str) -> str:
    """`name` as it may stand in a path, a URL and a spreadsheet: letters of any script, digits and . _ @ + - only."""
    name = unicodedata.normalize("NFC", name)
    name = name.encode("utf-8", "replace").decode()
    safe = "".join(letter if letter.isalnum() or letter in "._@+-" else quote(letter, safe="") for letter in name)
    if not safe[:1].isalnum() or ".." in safe:
        safe = "student_" + safe.replace("..", "%2E%2E")
    return safe[:MOST_NAME].encode()[:MOST_BYTES].decode(errors="ignore")


def read(path: Path) -> list[Student]:
    """The roster in a CSV file with headings, such as `id,name,email`. Raises `CourseError` where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"the roster {path} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp949", "replace")  # what Excel writes in Korea
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if text.partition("\n")[0].count(";") else ","))
    headings = [heading.strip().lower() for heading in rows[0]] if rows else []
    places = {
        column: next((headings.index(name) for name in names if name in headings), None)
        for column, names in COLUMNS.items()
    }
    if places["id"] is None:
        raise CourseError(f"the roster {path} has no column `id`: its first line must be such as `id,name,email`")
    students = []
    for row in rows[1:]:
        cells = {
            column: row[place].strip() if place is not None and place < len(row) else ""
            for column, place in places.items()
        }
        if cells["id"]:
            students.append(Student(**cells))
    ids = [student.id for student in students]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise CourseError(f"the roster {path} has {', '.join(twice)} twice")
    return students


class Ids:
    """Which student each name means, in this run and later ones: kept in `place`, so that nobody takes another's id."""

    def __init__(self, place: Path, roster: Iterable[Student] = ()) -> None:
        self.place = place
        self.students = {student_id(student.id): student for student in roster}
        self._known: dict[str, str] = {}
        if place.is_file():
            self._known = json.loads(place.read_text(encoding="utf-8"))
        self._by_key: dict[str, str] = {}
        for one_id, student in self.students.items():
            for key in (student.lms_id, student.email, student.name, student.id):
                if key:
                    self._by_key[_key(key)] = one_id

    def of(self, owner: Owner, *, alone: bool = True) -> tuple[str, str]:
        """The id of a file's owner, and a remark where the name alone would have meant another student.

        alone: no other owner in this run has the same name
        """
        for key in (owner.lms_id, owner.name):
            if key and alone and _key(key) in self._by_key:
                return self._by_key[_key(key)], ""
        raw = owner.name if alone or not owner.number else f"{owner.name}_{owner.number}"
        name = json.dumps(raw)  # plain ASCII, whatever the name holds; two spellings of one name are two names
        wanted = student_id(raw)
        if name not in self._known:
            taken = set(self._known.values())
            one_id, count = wanted, 1
            while one_id in taken:
                count += 1
                one_id = f"{wanted}~{count}"
            self._known[name] = one_id
        one_id = self._known[name]
        return one_id, "" if one_id == wanted else f"another name is spelled alike: this one is {one_id}"

    def write(self) -> None:
        """Keep what is known for later runs."""
        notebooks.write_text(self.place, json.dumps(self._known, indent=1) + "\n")


def _key(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).casefold().split())
