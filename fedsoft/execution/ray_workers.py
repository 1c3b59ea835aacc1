"""Runs spread over Ray workers, on one machine or many."""

import platform
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import fedsoft
from fedsoft.datasets import Dataset
from fedsoft.errors import EngineError, FedsoftError
from fedsoft.execution.groups import StackChoice, groups_of
from fedsoft.execution.ray_cluster import at_once, ray_cluster, task_options
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.execution.worker import Needed, News, work
from fedsoft.federation.programs import Stack
from fedsoft.study.data import give_dataset, load_dataset
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.training import give_files

ATTEMPTS = 4
"""Workers that are lost at one group before the study is given up."""
SECONDS_WITHOUT_CORES = 300.0


@dataclass(frozen=True)
class RayWorkers:
    """The in-process engine on Ray: each worker executes groups of whole runs, on one thread.

    Data and the predictions that runs need are in Ray's object store once; settings and checkpoints travel
    with a group, and results come back as values, so that workers share no files with this machine. What a
    lost worker or node had in hand is begun again elsewhere, from its last checkpoint.

    Attributes:
        store: written by this process alone.
        address: of an existing cluster, ``host:port`` or ``auto``; None starts a Ray on this machine.
        cpus: how many cores a Ray that is started uses, which is the number of workers; by default all.
    """

    store: Store
    device: str
    stack: StackChoice = "auto"
    address: str | None = None
    cpus: int | None = None

    def run(self, phases: list[list[RunSettings]], hooks: Hooks) -> None:
        """Execute all runs, phase by phase.

        Raises:
            Interrupted: ``hooks.stop`` said so; unfinished runs left checkpoints.
            FedsoftError: Ray cannot be used.
        """
        with ray_cluster(self.address, self.cpus):
            try:
                driver = _Driver(self, hooks)
                for phase in phases:
                    driver.run(phase)
            except RayError as error:
                raise _explain(error) from None


class _Mailbox:
    """Where workers leave news for the driver, in order, and learn whether to stop."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.stopping = False

    def leave(self, news: list[News]) -> bool:
        self.news += news
        return self.stopping

    def take(self) -> list[News]:
        taken, self.news = self.news, []
        return taken

    def stop(self) -> None:
        self.stopping = True


@dataclass(frozen=True)
class Group:
    """Runs that a worker executes in lockstep, with the stack, and how many workers were lost at them."""

    runs: list[RunSettings]
    stack: Stack
    lost: int = 0


class _Driver:
    """Hands out groups of runs, writes what comes back, and hands out again what was lost."""

    def __init__(self, engine: RayWorkers, hooks: Hooks) -> None:
        self.engine, self.store, self.hooks = engine, engine.store, hooks
        resources = ray.cluster_resources()
        options = task_options(engine.device, resources)
        self.workers = at_once(options, resources)
        self.task = ray.remote(**options)(_execute_group)
        # On this machine, so that no lost node takes it along; on its way there it may need several attempts.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        mailbox = ray.remote(num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)
        self.mailbox = mailbox(_Mailbox).remote()
        self.data: dict[Dataset, Any] = {}
        self.begun: set[str] = set()
        self.failed: set[str] = set()
        self.shown: dict[str, float] = {}
        self.seen_cores = time.monotonic()

    def run(self, runs: list[RunSettings]) -> None:
        """Execute the runs of one phase."""
        needed = {
            key: ray.put(Needed(self.store.record(key), self.store.predictions(key)))
            for key in {need.key for run in runs for need in run.needs()}
            if self.store.is_done(key)  # others have failed, which the runs that need them find
        }
        groups = groups_of(runs, self.engine.stack, self.workers, self.engine.device)
        waiting = {self._send(group, needed): group for group in (Group(*one) for one in groups)}
        problem: Exception | None = None
        while waiting:
            done, _ = ray.wait(list(waiting), timeout=0.2)
            self._read_news()
            self._check_cores()
            if problem or self.hooks.stop():
                self._stop(waiting)
            for reference in done:
                group = waiting.pop(reference)
                found, reason = _outcome(reference)
                if found:
                    problem = found if problem is None or isinstance(problem, Interrupted) else problem
                elif left := what_is_left(group, self.store, self.failed, reason):
                    self.begun -= {run.key for run in left.runs}
                    waiting[self._send(left, needed)] = left
        if problem:
            raise problem

    def _send(self, group: Group, needed: Mapping[str, Any]) -> Any:
        """Hand out a group with all that it takes; the reference of its end."""
        for run in group.runs:
            if run.dataset not in self.data:
                self.data[run.dataset] = ray.put(load_dataset(run.dataset))
        return self.task.remote(
            group.runs,
            {run.dataset: self.data[run.dataset] for run in group.runs},
            {path: text for run in group.runs for path, text in run.model.files().items()},
            {n.key: needed[n.key] for run in group.runs for n in run.needs() if n.key in needed},
            {run.key: saved for run in group.runs if (saved := self.store.checkpoint(run.key))},
            self.engine.device,
            group.stack,
            self.mailbox,
            _versions(),
        )

    def _read_news(self) -> None:
        for what, arguments in ray.get(self.mailbox.take.remote()):
            if what == "begins":
                self.begun.update(*arguments)
            elif what == "after_round":
                run, figures = arguments
                if figures["round"] > self.shown.get(run.key, -1):  # rounds made again are no news
                    self.shown[run.key] = figures["round"]
                    self.hooks.after_round(run, figures)
            elif what == "failed":
                (run,) = arguments
                self.failed.add(run.key)
                self.hooks.failed(run)
            else:
                getattr(self.store, what)(*arguments)

    def _check_cores(self) -> None:
        """Wait a while for new nodes where all are lost, but not for ever."""
        if ray.cluster_resources().get("CPU"):
            self.seen_cores = time.monotonic()
        elif time.monotonic() - self.seen_cores > SECONDS_WITHOUT_CORES:
            raise EngineError(
                "the Ray cluster has no cores, or has lost all that it had; run again to continue when there "
                "are some."
            )

    def _stop(self, waiting: Mapping[Any, Group]) -> None:
        """Ask workers to stop, and take back the groups that none has begun."""
        self.mailbox.stop.remote()
        for reference, group in waiting.items():
            if not self.begun & {run.key for run in group.runs}:
                ray.cancel(reference)


def _outcome(reference: Any) -> tuple[Exception | None, str]:
    """The problem that ended a group, if any; else why it may be that not all of its runs are done."""
    try:
        return ray.get(reference), "its news was lost"
    except TaskCancelledError:
        return Interrupted("stopped before it began."), ""
    except RayTaskError as error:
        if isinstance(error.cause, RayError):  # the task's own calls of Ray
            return None, _first_line(error.cause)
        return _explain(error), ""
    except RayError as error:
        return None, _first_line(error)


def what_is_left(group: Group, store: Store, failed: Collection[str], reason: str) -> Group | None:
    """What a lost worker left untried of a group; None if nothing.

    Args:
        group: what it was given.
        store: what of it is done.
        failed: keys of runs that cannot be done.
        reason: why the worker was lost.

    Raises:
        EngineError: too many workers were lost at it.
    """
    left = [run for run in group.runs if run.key not in failed and not store.is_done(run.key)]
    if left and group.lost + 1 == ATTEMPTS:
        raise EngineError(
            f"{left[0].label()}: {ATTEMPTS} Ray workers were lost at it (out of memory?), the last with: "
            f"{reason}; run again to continue, on fewer cores or larger machines."
        )
    return Group(left, group.stack, group.lost + 1) if left else None


def _execute_group(
    runs: list[RunSettings],
    data: Mapping[Dataset, Any],
    files: Mapping[str, str],
    needed: Mapping[str, Any],
    checkpoints: Mapping[str, Any],
    device: str,
    stack: Stack,
    mailbox: Any,
    versions: Mapping[str, str],
) -> FedsoftError | None:
    """On a worker: fetch what was placed in the object store, and execute a group."""
    if versions != (mine := _versions()):
        differ = ", ".join(f"{name} {mine[name]} instead of {versions[name]}" for name in versions)
        return EngineError(
            f"the Ray worker on {platform.node()} has {differ}, and numbers could differ; install the same "
            "on every machine of the cluster."
        )
    give_files(files)
    for choice, reference in data.items():
        give_dataset(choice, ray.get(reference))
    fetched = dict(zip(needed, ray.get(list(needed.values())), strict=True))
    return work(runs, fetched, checkpoints, device, stack, lambda news: _fetch(mailbox.leave.remote(news)))


def _fetch(reference: Any) -> Any:
    """A value, on another thread: while the main thread of a task waits for one, Ray lends its core away."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ray.get, reference).result()


def _versions() -> dict[str, str]:
    """Versions of what numbers depend on."""
    return {"fedsoft": fedsoft.__version__} | {name: version(name) for name in ("torch", "numpy", "flwr")}


def _explain(error: RayError) -> Exception:
    """What went wrong outside of what a run may report: a sentence, or the error if it is in the program."""
    lacking = isinstance(error, RayTaskError) and isinstance(error.cause, ImportError)
    if lacking or "failed to import on the worker" in str(error):
        last = str(error).strip().splitlines()[-1]
        return EngineError(
            f"a Ray worker lacks something ({last}); install the same fedsoft on every machine of the "
            "cluster."
        )
    if isinstance(error, RayTaskError):
        return error
    return EngineError(f"Ray failed ({_first_line(error)}); run again to continue.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
