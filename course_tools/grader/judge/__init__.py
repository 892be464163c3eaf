"""How hidden tests are written, run and themselves tested.

A *judge* is a lab's `judge.py`: its hidden tests. A *student* is the judge's view of an answer; the *agent* stands at
the other end of the channel, in the process that ran the student's cells, and only *values* travel between them:
tensors and plain data, never pickle. An *outcome* is what one test found, a *verdict* all of them. A *case* of the
audit is a set of cells with the outcome that they must have; a *mutant* is a small machine-made mistake, an
*equivalent* one that is none.
"""
