"""course_tools.grader.cohort.rendering: what a student wrote is shown as it was meant, and nothing of it acts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_tools.grader.cohort.rendering import shown

LINK = "javascript:void(formgrader.grades.each(g=>g.save({manual_score:9})))"


@pytest.mark.parametrize(
    "text",
    [
        f"[x]({LINK})",
        f"[x]({LINK.replace(':', '&#58;', 1)})",
        f"[x](&#106;{LINK[1:]})",
        f"[x]({LINK.replace(':', '&colon;', 1)})",
        f"[x]( JavaScript:{LINK[11:]})",
        f"[x][1]\n\n[1]: {LINK}",
        f"<{LINK}>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](/formgrader/api/submission/a/b/autograde)",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.org/pixel.png)",
        "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
        "<math href='javascript:alert(1)'><mtext href='javascript:alert(1)'>x</mtext></math>",
        r"$\href{javascript:alert(1)}{x}$",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action='/x'><button formaction='javascript:alert(1)'>x</button></form>",
        "<style>body { background: url(https://example.org) }</style><p style='position: fixed'>x</p>",
        "<meta http-equiv=refresh content='0;url=https://example.org'><base href=https://example.org>",
    ],
)
def test_nothing_that_was_written_acts_or_loads(text):
    made = shown(text)
    tags = " ".join(re.findall(r"<[^>]*>", made)).lower()
    assert not re.search(r"script|href=|src=|\son\w+=|style|iframe|form|meta|base|svg", tags), made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("$i<n$", "<mi>i</mi><mo>&lt;</mo><mi>n</mi>"),
        ("`a<b`", "<code>a&lt;b</code>"),
        ("if a < b and c <= d", "if a &lt; b and c &lt;= d"),
        (r"$$\frac{1}{n}$$", "<mfrac>"),
        (r"$\frac{$", r"<code>$\frac{$</code>"),
        ("[x](https://example.org/a)", 'href="https://example.org/a"'),
        ("[x](mailto:a@example.org)", 'href="mailto:a@example.org"'),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>1</td>"),
        ("![my plot](attachment:a.png)", 'src="data:image/png;base64,AAAA"'),
    ],
)
def test_text_code_formulas_links_and_pictures_are_shown(text, made):
    assert made in shown(text, {"a.png": {"image/png": "AAAA"}})


def test_a_picture_that_is_not_there_costs_nobody_the_page():
    assert "attachment:b.png" in shown("![x](attachment:b.png)", {})


@given(st.text(st.sampled_from("<>[]()!`$\\&;:#\n\"'=/ abjscript"), max_size=60))
def test_whatever_was_written_no_tag_of_it_acts(text):
    tags = " ".join(re.findall(r"<[^>]*>", shown(text)))
    assert not re.search(r"script:|\son\w+=|<script", tags)
