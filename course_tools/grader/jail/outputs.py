"""What a cell put out, made safe to store and to show: text and pictures within limits, nothing a browser would run."""

from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_tools.grader.jail import pictures

KEPT_TEXT = 20_000  # characters of one cell's text
MOST_HANDED_IN = 200  # outputs of one cell


@dataclass
class CellOutputs:
    """One cell: what it put out, safe to store, and its error or time-out in one line ("" for none)."""

    outputs: list[NotebookNode] = field(default_factory=list)
    error: str = ""
    room: int = KEPT_TEXT  # characters that may still come

    def add(self, kind: Any, fields: dict[str, Any]) -> None:
        """Take one output: its type and its fields, as Jupyter's messages and notebooks name them; unknown ones go."""
        if kind == "stream":
            text = self._cut(fields.get("text"))
            name = "stderr" if fields.get("name") == "stderr" else "stdout"
            if self.outputs and self.outputs[-1].get("name") == name:
                self.outputs[-1].text += text
            elif text:
                self.outputs.append(new_output("stream", name=name, text=text))
        elif kind == "error":
            name, value = clean(str(fields.get("ename")))[:100], clean(str(fields.get("evalue")))[:500]
            self.error = self.error or f"{name}: {value}"
            line = self._cut(f"{name}: {value}")
            self.outputs.append(new_output("error", ename=name, evalue=value, traceback=[line]))
        elif kind in ("display_data", "execute_result") and isinstance(fields.get("data"), dict):
            text, left_out = self._cut(fields["data"].get("text/plain")), ""
            drawn: dict[str, str] = {}
            for kind in pictures.CONVERTED:
                picture = _joined(fields["data"].get(kind))
                try:
                    drawn |= dict([pictures.kept(kind, picture)]) if picture and not drawn else {}
                except pictures.LeftOut as why:
                    left_out = f"\n[picture left out: {why}]"
            self.outputs.append(new_output("display_data", data={"text/plain": text + left_out, **drawn}))

    def _cut(self, text: Any) -> str:
        text = _joined(text)
        room, self.room = self.room, self.room - len(text)
        if len(text) <= room:
            return text
        return text[:room] + "\n[more was put out than is kept]\n" if room > 0 else ""


def handed_in(outputs: Any) -> list[NotebookNode]:
    """The outputs that a cell had when its notebook was handed in, made safe: any value that JSON can hold."""
    kept = CellOutputs()
    for output in outputs[:MOST_HANDED_IN] if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            kept.add(output.get("output_type"), output)
    return kept.outputs


def clean(text: str) -> str:
    """`text` that can be written: without lone surrogates, which no encoding has."""
    return text.encode("utf-8", "replace").decode()


def _joined(text: Any) -> str:
    """A text as notebooks store it, whole or in lines; "" for anything else."""
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        text = "".join(text)
    return clean(text) if isinstance(text, str) else ""
