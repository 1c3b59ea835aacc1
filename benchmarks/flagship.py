"""The whole flagship study against the same runs on stock Flower, started one by one."""

import json
import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.apart import ROOT, call, measure
from fedsoft.config import read_study
from fedsoft.keys import put
from fedsoft.study.plan import make_plan

STUDY = ROOT / "configs/audit.toml"


def compare(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of the study with its report, and of stock Flower for as many runs, extrapolated cell by cell.

    Only runs that train are counted, each as the plain `hard` run of its cell; what is computed from others
    (calibrated runs, ensembles) costs stock Flower nothing here. Its Python's start-up is not counted either.

    Args:
        folder: for the study's results.
        repeats: runs of stock Flower that are timed in each cell.
    """
    seconds, _ = measure([sys.executable, "-m", "fedsoft.cli", "run", str(STUDY), "--out", str(folder)])
    table = read_study(STUDY)
    plan = make_plan(table, str(STUDY))
    training = [run for phase in plan.phases for run in phase if run.kind in ("teacher", "trained")]
    cells = []
    for cell in plan.cells:
        one = {**table, "sources": ["hard"], "rivals": [], "grid": {}}
        one.pop("endpoint")
        for axis, value in cell.axes.items():
            put(one, axis, value)
        rounds, cores = cell.study.rounds, os.cpu_count() or 1
        times = [
            call("benchmarks.stock_flower:run", json.dumps(one), rounds, cores)[1] for _ in range(repeats)
        ]
        runs = sum(run.scenario == cell.study.scenario for run in training)
        cells.append({"axes": cell.axes, "runs": runs, "stock_run_s": median(times)})
    stock = sum(cell["runs"] * cell["stock_run_s"] for cell in cells)
    return {"seconds": seconds, "stock_seconds": stock, "cells": cells, "study_vs_stock": stock / seconds}
