"""Where worker processes come from: forks of a process that has imported what they need.

In that process nothing else happens: no thread runs, no GPU is asked for, no data are read. So its forks
may do whatever fresh processes may, and start at once. It is started early, to import beside the process that
will want workers, and ends with it.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext

IMPORTED = "fedsoft.execution.processes"


def worker_context() -> BaseContext:
    """How to start worker processes: as forks of the server on Linux, anew elsewhere."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([IMPORTED])
    return context


def start_server() -> None:
    """Start the server, where there is one and none runs; it imports while this process goes on."""
    if worker_context().get_start_method() == "forkserver":
        resource_tracker.ensure_running()  # before interrupts are held, since it lets them through again
        with one_thread_each(), interrupts_held():
            forkserver.ensure_running()


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Make processes started inside begin with one thread for every numerical library."""
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; it comes through afterwards here, and never in processes started inside."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
