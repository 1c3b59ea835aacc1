"""Independent pieces of work spread over the cores, where that can be done for nothing."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_tasks: Sequence[Callable[[], Any]] = ()


def in_parallel(tasks: Sequence[Callable[[], T]], cores: int | None = None) -> list[T]:
    """The results of tasks, in their order.

    Each core works in a fork of this process, which starts at once and has all that is in memory; where there
    is no fork, or one core or task, they are done here, one by one. Results must be picklable, and what tasks
    change in memory is lost.

    Args:
        tasks: functions without arguments; an exception of one is raised here.
        cores: processes at most; by default those of the machine.
    """
    global _tasks
    cores = min(cores or os.cpu_count() or 1, len(tasks))
    if cores < 2 or sys.platform != "linux":
        return [task() for task in tasks]
    _tasks = tasks
    try:
        with ProcessPoolExecutor(cores, multiprocessing.get_context("fork")) as pool:
            return list(pool.map(_do, range(len(tasks))))
    finally:
        _tasks = ()


def _do(number: int) -> Any:
    return _tasks[number]()
