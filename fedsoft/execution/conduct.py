"""Whatever is open of a study, run on the engine that was asked for."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.opened import OpenStudy
from fedsoft.study.settings import RunSettings
from fedsoft.training import compute_in

Workers = int | Literal["ray"]


def run_study(
    opened: OpenStudy,
    engine: str,
    workers: Workers | None,
    after_round: Callable[[RunSettings, dict[str, float]], None],
    stop: Callable[[], bool],
    address: str | None = None,
    failed: Callable[[RunSettings], None] = lambda run: None,
) -> bool:
    """Run what is not done; returns whether everything was tried (not when ``stop`` said so).

    Runs that cannot be done are stored as failed (`OpenStudy.failures`), and the others go on; they are
    tried again whenever the study is.

    Args:
        opened: the study on its folder.
        engine: what executes the clients: ``inprocess``, or ``ray``, which takes a number of workers.
        workers: processes that runs are spread over, by default one a core, or one in all on a GPU, which
            several would share; or ``ray`` for Ray workers.
        after_round: is told of every round.
        stop: is asked whether to stop.
        address: of an existing Ray cluster for ``ray`` workers.
        failed: is told of every run that could not be done.

    Raises:
        FedsoftError: the engine cannot be used, or results cannot be written.
    """
    compute_in(opened.plan.study.precision, opened.device)
    opened.save()
    log_to(opened.store.root / "log.txt")
    phases = opened.plan.open(opened.store)
    if phases:
        try:
            if sum(map(len, phases)) == 1 and workers == "ray":
                workers = 1  # one run is done here before Ray has started
            chosen = _engine(opened, engine, workers or _usual_workers(engine, opened.device), address)
            chosen.run(phases, Hooks(after_round, stop, failed))
        except Interrupted:
            return False
        finally:
            compute_in("float32", opened.device)  # what is said of runs is not rounded as they were
    return True


def _usual_workers(engine: str, device: str) -> int:
    """Processes for runs where nobody says how many."""
    alone = engine == "inprocess" and device.startswith("cuda")
    return 1 if alone else os.cpu_count() or 1


def _engine(opened: OpenStudy, name: str, workers: Workers, address: str | None) -> Any:
    store, device, stack = opened.store, opened.device, opened.plan.study.stack
    if workers == "ray":
        from fedsoft.execution.ray_workers import RayWorkers

        return RayWorkers(store, device, stack, address)
    if name == "ray":
        from fedsoft.execution.ray_engine import Ray

        return Ray(store, device, workers)
    from fedsoft.execution.processes import InProcess

    return InProcess(store, device, stack, workers)


def log_to(path: Path) -> None:
    """Send the logs of Flower and Ray to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name in ("flwr", "ray"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
