"""Independent pieces of work spread over the cores, where that can be done for nothing."""

import contextlib
import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

T = TypeVar("T")

_tasks: Sequence[Callable[[], Any]] = ()


def in_parallel(tasks: Sequence[Callable[[], T]], cores: int | None = None) -> list[T]:
    """The results of tasks, in their order.

    Each core works in a fork of this process, which starts at once and has all that is in memory; where there
    is no fork, or one core or task, they are done here, one by one, and so are those left by a fork that was
    killed, as for want of memory. Results must be picklable, and what tasks change in memory is lost.

    Args:
        tasks: functions without arguments; an exception of one is raised here.
        cores: processes at most; by default those of the machine.
    """
    global _tasks
    cores = min(cores or os.cpu_count() or 1, len(tasks))
    if cores < 2 or sys.platform != "linux":
        return [task() for task in tasks]
    _tasks = tasks
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(cores, context, _start_fork) as pool:
            futures: list[Future[T]] = []
            try:
                with contextlib.suppress(BrokenProcessPool):
                    futures += (pool.submit(_do, number) for number in range(len(tasks)))
                found = [_result(future) for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        _tasks = ()
    found += [_lost] * (len(tasks) - len(found))
    return [task() if result is _lost else result for task, result in zip(tasks, found, strict=True)]


def _start_fork() -> None:
    gc.freeze()  # what is this process's, such as tensors on a GPU, is none of a fork's to clear away
    leave_with_parent()


def leave_with_parent() -> None:
    """Have this process end with the one that started it: nobody would take what it does."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


_lost: Any = object()
"""Stands for the result of a task whose process was killed."""


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except BrokenProcessPool:
        result: T = _lost
        return result


def _do(number: int) -> Any:
    return _tasks[number]()
