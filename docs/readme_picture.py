"""Copy the picture of the README's first screen, as lab 08 stores it, to docs/: again whenever the lab's changes.

python docs/readme_picture.py
"""

import base64

from course_utils.command import notebooks

TITLE = "A face at QP 37"  # of the figure: its cell is known by it


def main() -> None:
    root = notebooks.course_root()
    notebook = notebooks.read(root / "solutions" / "lab08" / "lab08.ipynb")
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and f'"{TITLE}"' in cell.source)
    (picture,) = (output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    (root / "docs" / "loop_filter.png").write_bytes(base64.b64decode(picture))


if __name__ == "__main__":
    main()
