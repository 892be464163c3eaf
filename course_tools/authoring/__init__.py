"""What a maintainer does with notebooks: run them, compare them with what they store, and index them.

A *budget* is the time that a notebook says it takes. A *fault* is a stored output that came out otherwise, or a budget
that was not kept. A *band* is the range in which a measured claim must lie; several *seeds* set it. A *definition* is a
function, class or constant that a notebook's cells make. An *answer* is the right value of a numeric exercise.
What is *stale* is not as its source says that it should be: the README's *contents*, the *navigation* from one notebook
to the next, the digests of answers. What is *embedded* travels with the course.
"""
