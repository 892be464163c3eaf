"""What a maintainer does with notebooks: run them, compare them with what they store, and index them.

A *budget* is the time that a notebook says it takes. A *fault* is a stored output that came out otherwise, or a budget
that was not kept. A *band* is the range in which a measured claim must lie; several *seeds* set it. A *definition* is a
function, class or constant that a notebook's cells make. What is *stale* is not as the notebooks say that it should be:
the README's *contents*, or the *navigation* from one notebook to the next. What is *embedded* travels with the course.
"""
