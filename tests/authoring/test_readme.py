"""The front door: what the README shows and leads to is there, and the files beside it agree with the rest."""

import base64
import re
import tomllib

import pytest
import yaml
from conftest import ROOT

import course_utils
from course_tools.authoring import course_metadata
from course_utils.command import notebooks

README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURE_BYTES = 300_000
NAMED = re.compile(r"`((?:course_utils|course_tools|docs|labs|lessons|solutions|tests)/[\w./]*)`")


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *sorted(path.name for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_file_that_a_page_names_is_there(page):
    path = next(path for path in (ROOT / page, ROOT / "docs" / page) if path.is_file())
    text = path.read_text(encoding="utf-8")
    linked = [path.parent / name for name in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [ROOT / name for name in NAMED.findall(text) if "NN" not in name]
    assert not [place for place in linked + named if not place.exists()]


def test_the_readme_shows_one_picture_and_says_it_in_words_too():
    ((words, name),) = re.findall(r"!\[(.*?)\]\((.*?)\)", README)
    assert len(words) > 100
    assert 0 < (ROOT / name).stat().st_size < PICTURE_BYTES


def test_the_readmes_picture_is_the_one_that_lab_08_stores():
    stored = [
        base64.b64decode(output.data["image/png"])
        for cell in notebooks.read(ROOT / "solutions" / "lab08" / "lab08.ipynb").cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert (ROOT / "docs" / "loop_filter.png").read_bytes() in stored, "run `python docs/readme_picture.py`"


def test_every_lesson_and_lab_says_its_goal_in_a_table():
    rows = re.findall(r"^\| (?:lab)?\d\d \| \[.*$", README, flags=re.MULTILINE)
    paths = notebooks.find([ROOT / "lessons", ROOT / "labs"], ROOT)
    goals = [course_metadata.read(notebooks.read(path), path).goal for path in paths]
    assert len(rows) == len(goals) == len(set(goals))
    assert all(any(f" {goal} |" in row for row in rows) for goal in goals)


def test_the_citation_names_the_same_version_licence_and_authors_as_the_course():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0" and {"message", "title"} <= set(citation)
    assert citation["version"] == course_utils.__version__ and citation["license"] == project["license"]
    ((author,),) = (names.values() for names in citation["authors"])
    assert author in (ROOT / "LICENSE").read_text(encoding="utf-8")
