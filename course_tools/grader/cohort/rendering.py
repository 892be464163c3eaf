"""What a student wrote, as HTML that a page may show: Markdown rendered once, and cleaned by a list of what may stay.

Nothing in it runs, loads or submits. Links lead to http, https, mailto or a place on the page; pictures are the ones
that were pasted in. Formulas become MathML, which browsers draw without a script.
"""

import html
from typing import Any

import nh3
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

# fmt: off
MATH = {
    "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom",
    "mprescripts", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd",
    "mtext", "mtr", "munder", "munderover",
}
# fmt: on
TAGS = (nh3.ALLOWED_TAGS | MATH | {"input"}) - {"area", "map"}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"type", "checked", "disabled"},  # of a list of tasks
    "math": {"display"},
    "mo": {"stretchy"},
    "th": {"align", "colspan", "rowspan"},
    "td": {"align", "colspan", "rowspan"},
    "code": {"class"},
    "div": {"class"},
    "span": {"class"},  # of coloured code
}
LINKS = ("http://", "https://", "mailto:", "#")
PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")


def shown(source: str, attachments: dict[str, Any] | None = None) -> str:
    """The HTML of a text cell. attachments: its pictures, as notebooks store them.

    >>> shown("[x](javascript:alert(1)) `a<b`")
    '<p><a rel="noopener noreferrer">x</a> <code>a&lt;b</code></p>\\n'
    """
    try:
        made = MarkdownWithMath(
            renderer=_Renderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
        ).render(source)
    except Exception:  # a parser of text that anybody may have written; nobody's page is lost for it
        made = f"<pre>{html.escape(source)}</pre>"
    return nh3.clean(
        made,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, or None to drop it."""
    if name == "href":
        return value if value.strip().lower().startswith(LINKS) else None
    if name == "src":
        return value if value.startswith(PICTURES) else None
    if tag == "input" and name == "type":
        return "checkbox"
    return value


class _Renderer(IPythonRenderer):
    """nbconvert's, with formulas as MathML; one that cannot be read stays as it was written."""

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline", f"${body}$")

    def block_math(self, body: str) -> str:
        return _formula(body, "block", f"$${body}$$")

    def latex_environment(self, name: str, body: str) -> str:
        written = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return _formula(written, "block", written)


def _formula(body: str, display: str, written: str) -> str:
    try:
        return str(convert(body, display=display))
    except Exception:  # of half a dozen classes
        return f"<code>{html.escape(written)}</code>"
