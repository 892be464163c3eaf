"""The `course` command as students have it, and what all its verbs share.

A *notebook* is an .ipynb file of this course: a *lesson*, a *lab* (an exercise that is graded) or its *solution*. The
*course folder* holds `lessons/` and `pyproject.toml`. A *verb* is a subcommand, such as `check`. A *check* is a cell
of a lab that tells a student at once whether an answer is right; *JupyterLab* is the program, never called a lab.
"""
