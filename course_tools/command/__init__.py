"""The verbs for instructors and for maintainers: thin, one function a verb, one file for each group.

A *verb* is what follows `course`. A *panel* is the heading under which `course --help` lists it. A *bar* shows how far
a long verb is; an *interruption* is Ctrl-C, after which it says what is *kept*.
"""
