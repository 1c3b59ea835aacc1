"""Where instability comes from: training, the partition, or the votes, each redrawn with all else equal.

    python simulations/stability.py configs/stability.toml

Runs the study four times over for each part, all in one folder, and compares the redraws of each seed on the
same test images: churn of the predicted class and variance of predictions, as they are and at equal mean
confidence, since softer models vary less for mechanical reasons. How seeds differ as a whole stands in the
report of any study that has two seeds a fold.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from fedsoft.analysis.stability import MEASURES, predicted, steadiness
from fedsoft.config import read_study
from fedsoft.execution.conduct import run_study
from fedsoft.report.failures import failure_lines
from fedsoft.report.live import Live
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.study.opened import OpenStudy, open_study
from fedsoft.study.plan import labels

PARTS = ("training", "partition", "votes")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--redraws", type=int, default=4)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()

    table = read_study(options.study, options.settings)
    rows = []
    for part in PARTS:
        grid = {f"redraw.{part}": list(range(options.redraws))}
        study = open_study({**table, "grid": grid}, str(options.study), options.out)
        with Live(study.open_runs) as live:
            run_study(study, "inprocess", options.workers, live.after_round, lambda: False)
        if failures := study.failures:
            sys.exit("\n".join(failure_lines(failures)))
        rows += [[Cell(f"{part} redrawn")], *rows_of(study)]
    columns = ("source", "churn", "variance", "variance at\nequal confidence")
    Console().print(to_rich(Table(columns, rows)))


def rows_of(study: OpenStudy) -> list[list[Cell]]:
    """One row a source: each measure with how far its 95 % interval reaches."""
    usual, store, device = study.plan.study, study.store, study.device
    strategy = usual.strategies[0].label()
    redraws = [
        predicted(cell, strategy, seed, store, device) for cell in study.plan.cells for seed in usual.seeds
    ]
    rows, arms = [], labels(usual.arms)
    for source, found in zip(arms, steadiness(redraws, arms.index(usual.baseline)), strict=True):
        measured = [getattr(found, name) for name in MEASURES]
        rows.append(
            [Cell(source), *(Cell(f"{value:.4f} ±{high - value:.4f}") for value, _, high in measured)]
        )
    return rows


if __name__ == "__main__":
    main()
