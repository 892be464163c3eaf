"""Processes that start fast: forked from a server that has imported torch and all that labs use."""

import multiprocessing
from multiprocessing.context import ForkServerContext

from course_tools.grader import labs

# What set-up cells, judges and the forks themselves import takes longer than most answers.
PRELOAD = [
    "torch",
    *labs.TORCH_IMPORTS_LATE,
    "torchvision",
    "matplotlib.pyplot",
    "course_utils.training",
    "course_tools.grader.judge.audit",
    "course_tools.grader.cohort.execution",
]


def context() -> ForkServerContext:
    """Of `multiprocessing`, for processes and pools.

    A process has one fork server, and whoever is first decides what it has imported: so everybody asks for the same.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(PRELOAD)
    return forks
