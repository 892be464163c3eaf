"""Comparisons behind `course bench`, each a module that runs by itself.

A *comparison* is one row: our time and a peer's for the same work. A *part* is the rows of one module with the command,
the machine and a note; `page` keeps all parts in `docs/benchmarks.json` and makes the page and the plot from them.
*Seconds* are a median of calls or a whole program's, and `timing` takes both.
"""
