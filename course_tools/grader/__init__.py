"""Labs: one source under solutions/, the students' copies under labs/, and a mark that can be trusted.

A *lab* is an exercise notebook. Its *source* has the solutions, its *released* notebook is what students get, the
*bundle* is all that is handed out. An *exercise* is one graded cell with its points; a *solution cell* holds the answer
that it asks for. A *hidden test* gives points; a *visible check* gives none and helps the student at once.

| module     | its part                                                       |
| ---------- | -------------------------------------------------------------- |
| `labs`     | where a lab's files are, and the cells of its notebook         |
| `release`  | solutions/ to labs/, by nbgrader                               |
| `bundle`   | what may be handed to students, as a zip                       |
| `own_copy` | lessons and labs for one student, out of a shared installation |
| `forks`    | processes that start fast, for audits and classes              |
| `judge`    | hidden tests, how they reach an answer, and their audit        |
| `jail`     | where a student's code runs                                    |
| `cohort`   | a class, from its files to a gradebook                         |
"""
