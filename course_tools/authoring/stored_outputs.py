"""The variables under which a notebook's outputs are stored, compared, and measured with several seeds."""

import os


def variables(device: str | None) -> dict[str, str | None]:
    """The variables under which a notebook's outputs are stored and compared.

    One thread, unless `OMP_NUM_THREADS` says otherwise, makes the order of every sum the same on a machine with more
    cores and beside more workers. It also bears a busy neighbour. On two cores, lesson 14 takes 44 s with one thread
    and with two; beside a program that keeps a core busy, 41 s with one thread and over 420 s with two, as each thread
    waits for the other. The price: on quiet cores, two threads finish the whole course in three quarters of the time.
    """
    return {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "COURSE_DEVICE": device,
        "COURSE_PROGRESS": "off",
        # Lab servers and CI often set another one, with which a notebook stores no figure and says nothing.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
