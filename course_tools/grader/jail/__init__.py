"""Where a student's code runs.

The *sandbox* (bubblewrap) is the outer wall. The *warden* is the program inside, which forks one confined *kernel* for
each submission. *Limits* are what one submission may use; the *watch* looks from outside whether it keeps them, and an
*overrun* ends it. A *session* is the judge's end of a kernel's channels, and the *outputs* that come through them are
made safe before they are kept; the *provisioner* lets Jupyter's own tools use such a kernel.
"""
