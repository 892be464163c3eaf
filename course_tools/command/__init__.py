"""The verbs for instructors and for maintainers: thin, one function a verb, one file for each group."""
