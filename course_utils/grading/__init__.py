"""Labs: one source under solutions/, the students' copies under labs/, and a mark that can be trusted.

A lab, from its source to the students:

| module           | its part                                                                         |
| ---------------- | -------------------------------------------------------------------------------- |
| `labs`           | where a lab's files are, and the cells of its notebook                           |
| `release`        | solutions/ to labs/, by nbgrader                                                 |
| `bundle`         | what may be handed to students, as a zip                                         |
| `visible`        | the checks that a student sees                                                   |

Hidden tests, and the grader graded:

| module           | its part                                                                         |
| ---------------- | -------------------------------------------------------------------------------- |
| `judging`        | how hidden tests are written and run                                             |
| `student`        | the judge's view of a student's work                                             |
| `agent`          | the student's side of that channel                                               |
| `values`         | what may travel over it: tensors and plain values, never pickle                  |
| `audit`          | the solution, the blank lab, wrong and right answers, mutants                    |
| `mutants`        | small machine-made mistakes                                                      |

A class, from its files to a gradebook:

| module           | its part                                                                         |
| ---------------- | -------------------------------------------------------------------------------- |
| `grade`          | the whole way: sanitise, execute, record                                         |
| `submissions`    | files that students handed in, read without trust                                |
| `sanitise`       | a submission, rebuilt on the released notebook                                   |
| `pool`           | many at a time, on processes or a Dask cluster; nothing is done twice            |
| `execution`      | one submission, from its notebook to its hidden tests' outcomes                  |
| `session`        | the judge's end of a kernel's channels                                           |
| `outputs`        | what a cell put out, made safe to store and to show                              |
| `record`         | gradebook, feedback and table                                                    |
| `formgrader`     | nbgrader's page, on which reports are graded by hand                             |

The jail in which a submission runs:

| module           | its part                                                                         |
| ---------------- | -------------------------------------------------------------------------------- |
| `sandbox`        | bubblewrap, and a watch over all that runs in it                                 |
| `warden`         | the program inside: it forks one confined kernel per submission                  |
| `limits`         | what one submission may use                                                      |
| `seccomp`        | system calls that a student's process has no use for                             |
| `student_kernel` | the kernel, on sockets that it is given                                          |
| `provisioner`    | such a kernel for whatever speaks to a `KernelManager`                           |
"""
