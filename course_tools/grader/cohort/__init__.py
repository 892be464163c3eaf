"""A class: from the files that were handed in to marks.

An *assignment* is a lab as a class is graded in it. A *submission* is what one student handed in for it. It is
*sanitised* (rebuilt on the released notebook, each repair a *remark*), *executed* in the jail by a *pool* of workers (a
*job* gives a *result*), and entered into the *gradebook*, nbgrader's. What grading found but for marks is its *record*.
From both come a *feedback* page for the student and a *row* of the *table* for the instructor. The *canary*, the
lab's own solution, runs first.
"""
