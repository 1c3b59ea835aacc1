"""Runs spread over processes, one torch thread each."""

import contextlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch

from fedsoft.errors import EngineError
from fedsoft.federation import InProcessGrid, Stack
from fedsoft.study.execute import Hooks, Interrupted, execute
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


@dataclass(frozen=True)
class InProcess:
    """The in-process engine: ``workers`` processes, each executing whole runs."""

    store: Store
    device: str
    stack: Stack = "all"
    workers: int = 1

    def run(self, phases: list[list[RunSettings]], hooks: Hooks) -> None:
        """Execute all runs, phase by phase.

        Raises:
            Interrupted: ``hooks.stop`` said so; unfinished runs left checkpoints.
            FedsoftError: a run cannot be done.
        """
        if self.workers == 1 or sum(map(len, phases)) == 1:
            for run in (run for phase in phases for run in phase):
                self.one(run, hooks)
            return
        context = multiprocessing.get_context("spawn")
        news, stop = context.SimpleQueue(), context.Event()  # simple: what is put is there before a run ends
        size = min(self.workers, max(map(len, phases)))
        with (
            one_thread_each(),
            ProcessPoolExecutor(size, context, _start_worker, (self, news, stop)) as pool,
        ):
            try:
                for phase in phases:
                    _run_phase(pool, phase, news, hooks, stop.set)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def one(self, run: RunSettings, hooks: Hooks) -> None:
        """Execute one run in this process."""
        execute(
            run, self.store, lambda task: InProcessGrid(task, self.stack), "inprocess", self.device, hooks
        )


def _run_phase(
    pool: ProcessPoolExecutor,
    runs: list[RunSettings],
    news: Any,
    hooks: Hooks,
    ask_to_stop: Callable[[], None],
) -> None:
    by_key = {run.key: run for run in runs}
    waiting: set[Future[None]] = {pool.submit(_work, run) for run in runs}
    while waiting:
        done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        while not news.empty():
            key, figures = news.get()
            hooks.after_round(by_key[key], figures)
        if hooks.stop():
            ask_to_stop()
        for future in done:
            try:
                future.result()
            except BrokenProcessPool:
                raise EngineError(
                    "a worker process died (out of memory?); run again to continue, with fewer --workers."
                ) from None


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


_worker: tuple[InProcess, Any, Any]


def _start_worker(engine: InProcess, news: Any, stop: Any) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    _worker = engine, news, stop


def _work(run: RunSettings) -> None:
    engine, news, stop = _worker
    if stop.is_set():
        raise Interrupted("stopped before it began.")
    engine.one(run, Hooks(lambda settings, figures: news.put((settings.key, figures)), stop.is_set))
