"""One small study on Ray workers and on processes: what the start costs, and what is left of it after."""

import time
from pathlib import Path
from typing import Any

from fedsoft.execution.processes import InProcess
from fedsoft.execution.ray_workers import RayWorkers
from fedsoft.execution.run import Hooks
from fedsoft.study.opened import open_study

STUDY = {
    "name": "ray_workers",
    "dataset": "digits",
    "sources": ["hard", "human_soft", "mass_only", "smoothing"],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [64]},
    "rounds": 40,
    "seeds": [0, 1, 2, 3],
    "scenario": {"clients": 10},
}


def run(folder: Path) -> dict[str, Any]:
    """Seconds of the same 16 runs with one and with two workers of each kind.

    Returns:
        for ``processes_1``, ``processes_2``, ``ray_1`` and ``ray_2`` the ``seconds`` in all, those until the
        first figures of a run arrived (``start``), and the rest (``work``); and how many times as long two
        Ray workers work as one, and as two processes (``ray_2_vs_1``, ``ray_2_vs_processes_2``).
    """
    results: dict[str, Any] = {}
    for workers in (1, 2):
        for kind in ("processes", "ray"):
            opened = open_study(STUDY, "benchmark", folder / f"{kind}-{workers}")
            engine: InProcess | RayWorkers = InProcess(opened.store, opened.device, workers=workers)
            if kind == "ray":
                engine = RayWorkers(opened.store, opened.device, cpus=workers)
            marks = [time.perf_counter()]
            hooks = Hooks(lambda run, figures, marks=marks: marks.append(time.perf_counter()))
            engine.run(opened.plan.open(opened.store), hooks)
            (began, first), end = marks[:2], time.perf_counter()
            spent = {"seconds": end - began, "start": first - began, "work": end - first}
            results[f"{kind}_{workers}"] = spent
    work = {name: row["work"] for name, row in results.items()}
    results["ray_2_vs_1"] = work["ray_2"] / work["ray_1"]
    results["ray_2_vs_processes_2"] = work["ray_2"] / work["processes_2"]
    return results
