"""Whole studies on a card, in one process, beside all cores of the same machine."""

import csv
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.apart import call
from benchmarks.gpu import work
from benchmarks.gpu.setup import Setup
from fedsoft.analysis.digest import digest
from fedsoft.execution.conduct import run_study
from fedsoft.execution.fork_server import start_server
from fedsoft.files import write_text
from fedsoft.report.live import Live
from fedsoft.report.page import page
from fedsoft.study.opened import open_study, reopen_study
from fedsoft.study.settings import RunSettings

CARD, CORES = 0.45, 0.3
"""Shares of the time after which training stops; what is not done by then is extrapolated."""
PAGE = "report.html"


def heads(setup: Setup) -> Iterator[dict[str, Any]]:
    """Heads on features, all arms, and the report of many runs."""
    table = work.heads()
    if setup.seeds:
        table["seeds"] = table["seeds"][: setup.seeds]
    return contest(table, setup)


def strategies(setup: Setup) -> Iterator[dict[str, Any]]:
    """Server strategies, of which some work with messages."""
    return contest(work.strategies(), setup)


def images(setup: Setup) -> Iterator[dict[str, Any]]:
    """Images over clients."""
    return contest(work.images(), setup)


def audit_images(setup: Setup) -> Iterator[dict[str, Any]]:
    """Images, pooled, on the card alone; its report is kept."""
    folder = setup.folder / "card"
    yield {"where": "device", **_trained(work.audit_images(), setup, setup.device, 1, folder, 0.8)}
    yield {"where": "device", **call("benchmarks.gpu.studies:report", str(folder), setup.device)}
    shutil.copy(folder / PAGE, setup.out / "audit_images.html")


def contest(table: work.Table, setup: Setup) -> Iterator[dict[str, Any]]:
    """Train a study on the device and on the cores; report on what the device made, on both.

    Each is in a process of its own. There is no report on a study that was not finished in its time.
    """
    folder = setup.folder / "device"
    ours = _trained(table, setup, setup.device, 1, folder, CARD)
    yield {"where": "device", **ours}
    yield {"where": "cores", **_trained(table, setup, "cpu", setup.cores, setup.folder / "cores", CORES)}
    if ours["share"] < 1:
        return
    found = []
    for where, device in (("device", setup.device), ("cores", "cpu")):
        yield {"where": where, **call("benchmarks.gpu.studies:report", str(folder), device)}
        found.append(cells(folder))
    yield {"reports": differences(*found)}


def _trained(
    table: work.Table, setup: Setup, device: str, workers: int, folder: Path, share: float
) -> dict[str, Any]:
    told = work.tiny(table) if setup.smoke else table
    limit = share * setup.seconds
    found: dict[str, Any] = call(
        "benchmarks.gpu.studies:train", told, device, workers, str(folder), time.time(), limit
    )
    return found


def train(
    table: work.Table, device: str, workers: int, folder: str, began: float, limit: float
) -> dict[str, Any]:
    """Train what is in a study, in a process that does nothing else.

    Args:
        table: the study.
        device: where models are trained.
        workers: processes.
        folder: for its results.
        began: when the process was asked for, in seconds since the epoch.
        limit: seconds after which training stops.

    Returns:
        seconds until the first figures of a run (``start``), and from then on (``training``); the ``share``
        of rounds that were done, and how many ``runs`` there are.
    """
    if workers > 1:
        start_server()  # as `fedsoft run` does
    opened = open_study({**table, "device": device}, "benchmark", Path(folder))
    first = ready = time.time()

    def after_round(run: RunSettings, figures: dict[str, float]) -> None:
        nonlocal first
        if first == ready:
            first = time.time()
        live.after_round(run, figures)

    def stop() -> bool:
        return time.time() - ready > limit

    with Live(opened.open_runs) as live:
        finished = run_study(opened, "inprocess", workers, after_round, stop, failed=live.failed)
    if opened.failures:
        first_of = opened.failures[0].failure["message"]
        raise RuntimeError(f"{len(opened.failures)} runs failed: {first_of}")
    return {
        "runs": live.runs,
        "workers": workers,
        "start": first - began,
        "training": time.time() - first,
        "share": 1.0 if finished else live.rounds_seen / live.rounds,
    }


def report(folder: str, device: str) -> dict[str, float]:
    """Seconds of a study's digest and of its page, in a process that does nothing else."""
    opened = reopen_study(Path(folder))
    began = time.perf_counter()
    result = digest(opened, device)
    digested = time.perf_counter()
    write_text(Path(folder) / PAGE, page(result))
    return {"digest": digested - began, "page": time.perf_counter() - digested}


def cells(folder: Path) -> list[str]:
    """What all CSV files of a study say, cell by cell."""
    found = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            found += [cell for row in csv.reader(lines) for cell in row]
    return found


def differences(here: list[str], there: list[str]) -> dict[str, float]:
    """The largest difference of numbers, relative where they are above 1, and how many words are others."""
    largest, words = 0.0, 0
    for one, other in zip(here, there, strict=True):
        try:
            a, b = float(one), float(other)
        except ValueError:
            words += one != other
            continue
        if not (a == b or (math.isnan(a) and math.isnan(b))):
            largest = max(largest, abs(a - b) / max(1.0, abs(b)))
    return {"cells": len(here), "largest": largest, "words": words}
