"""Runs spread over processes, one torch thread each."""

import gc
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch

from fedsoft.errors import EngineError
from fedsoft.execution.fork_server import interrupts_held, one_thread_each, worker_context
from fedsoft.execution.groups import Group, StackChoice, groups_of
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.parallel import leave_with_parent
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


@dataclass(frozen=True)
class InProcess:
    """The in-process engine: ``workers`` processes, each executing groups of whole runs."""

    store: Store
    device: str
    stack: StackChoice = "auto"
    workers: int = 1

    def run(self, phases: list[list[RunSettings]], hooks: Hooks) -> None:
        """Execute all runs, phase by phase.

        Raises:
            Interrupted: ``hooks.stop`` said so; unfinished runs left checkpoints.
            FedsoftError: a process was lost, or results cannot be written.
        """
        planned = [groups_of(phase, self.stack, self.workers, self.device) for phase in phases]
        if self.workers == 1 or sum(map(len, planned)) == 1:
            for group in (group for groups in planned for group in groups):
                self.execute(group, hooks)
            return
        context = worker_context()
        news, stop = context.SimpleQueue(), context.Event()  # simple: what is put is there before a run ends
        size = min(self.workers, max(map(len, planned)))
        with (
            one_thread_each(),
            ProcessPoolExecutor(size, context, _start_worker, (self, news, stop, dict(os.environ))) as pool,
        ):
            try:
                for groups in planned:
                    _run_phase(pool, groups, news, hooks, stop.set)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def execute(self, group: Group, hooks: Hooks) -> None:
        """Execute a group of runs in this process."""
        runs, stack = group
        execute_together(runs, self.store, stack, self.device, hooks)


def _run_phase(
    pool: ProcessPoolExecutor,
    groups: list[Group],
    news: Any,
    hooks: Hooks,
    ask_to_stop: Callable[[], None],
) -> None:
    by_key = {run.key: run for runs, _ in groups for run in runs}
    with interrupts_held():  # workers, which start here, never see any
        waiting: set[Future[None]] = {pool.submit(_work, group) for group in groups}
    while waiting:
        done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        while not news.empty():
            key, figures = news.get()
            if figures is None:
                hooks.failed(by_key[key])
            else:
                hooks.after_round(by_key[key], figures)
        if hooks.stop():
            ask_to_stop()
        for future in done:
            try:
                future.result()
            except BrokenProcessPool:
                if hooks.stop():  # a batch system asks all processes to end
                    raise Interrupted("stopped.") from None
                raise EngineError(
                    "a worker process died (out of memory?); run again to continue, with fewer --workers."
                ) from None


_worker: tuple[InProcess, Any, Any]


def _start_worker(engine: InProcess, news: Any, stop: Any, environment: dict[str, str]) -> None:
    global _worker
    os.environ.clear()
    os.environ.update(environment)  # which may have changed since the server of forks was started
    gc.freeze()  # what is imported is no garbage, and looking through it takes a twentieth of the time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()
    torch.set_num_threads(1)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    _worker = engine, news, stop


def _work(group: Group) -> None:
    engine, news, stop = _worker
    if stop.is_set():
        raise Interrupted("stopped before it began.")
    hooks = Hooks(
        after_round=lambda settings, figures: news.put((settings.key, figures)),
        stop=stop.is_set,
        failed=lambda settings: news.put((settings.key, None)),
    )
    engine.execute(group, hooks)
