"""Labs: one source under solutions/, the students' copies under labs/, and a mark that can be trusted.

| module     | its part                                                                                    |
| ---------- | ------------------------------------------------------------------------------------------- |
| `labs`     | where a lab's files are, and the cells of its notebook                                       |
| `release`  | solutions/ to labs/, by nbgrader                                                             |
| `bundle`   | what may be handed to students, as a zip                                                     |
| `judging`  | how hidden tests are written and run                                                         |
| `student`  | the judge's view of a student's work                                                         |
| `agent`    | the student's side of that channel                                                           |
| `values`   | what may travel over it: tensors and plain values, never pickle                              |
| `formgrader` | nbgrader's page, on which reports are graded by hand                                       |
| `audit`    | the grader graded: the solution, the blank lab, wrong and right answers, mutants             |
| `mutants`  | small machine-made mistakes                                                                  |
"""
