"""What the `course` command does with notebooks: `files` finds and reads them, and each verb has a module.

| module     | verb                                     |
| ---------- | ---------------------------------------- |
| `lab`      | `course lab`: JupyterLab at a lesson     |
| `run`      | `course run`: execute and store outputs  |
| `validate` | `course validate`: re-run and compare    |
| `index`    | `course index`: the README's tables      |
"""
