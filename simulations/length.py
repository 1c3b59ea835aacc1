"""Does what soft labels buy depend on how much is trained? Twenty clients for more and more rounds, beside
one pool.

    python simulations/length.py configs/length.toml configs/length_pooled.toml --figure
    docs/figures/amount.png

Runs both studies, or goes on where they stopped, and draws the effect at equal confidence against the
amount of training, the learning rate times the local steps of one client, in one picture, with the amount
that validation would choose. Prints the same as a table.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from rich.console import Console

from fedsoft.analysis.digest import CellDigest, Digest, digest
from fedsoft.config import Study, read_study
from fedsoft.execution.conduct import run_study
from fedsoft.files import write_bytes
from fedsoft.report.figures.amount import Series, amount
from fedsoft.report.live import Live
from fedsoft.report.numbers import interval, plain, signed
from fedsoft.report.pictures import png
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", type=Path, nargs=2, metavar="STUDY", help="over clients, and pooled")
    parser.add_argument("--figure", type=Path, help="where to draw")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()

    found = {
        name: run(path, options.workers)
        for name, path in zip(("twenty clients", "pooled"), options.studies, strict=True)
    }
    panes: dict[str, list[Series]] = {}
    rows: list[list[Cell]] = []
    for colour, (name, result) in enumerate(found.items()):
        rows.append([Cell(name)])
        for source in (label for label in Shown(result, result.cells[0]).sources if label != "hard"):
            series = series_of(name, result, source, colour)
            panes.setdefault(f"{source} − hard", []).append(series)
            rows += rows_of(result, source, series)
    columns = ("source", "cell", "amount", "as predicted", "at equal confidence", "KL, calibrated level")
    Console(width=130).print(to_rich(Table(columns, rows, fine=True)))
    for name, result in found.items():
        best, at = chosen(result)
        print(f"Validation would choose an amount of {plain(best, 1)} ({at}) for hard, {name}.")
    if options.figure:
        write_bytes(options.figure, png(amount(panes)))


def run(path: Path, workers: int) -> Digest:
    """A study, run and digested."""
    study = open_study(read_study(path), str(path))
    with Live(study.open_runs) as live:
        run_study(study, "inprocess", workers, live.after_round, lambda: False)
    return digest(study)


def steps_a_round(study: Study) -> float:
    """Local steps of one client in a round, on average; a fold is tested, a tenth of the rest validates."""
    trained = len(load_dataset(study.dataset)) * (1 - 1 / study.folds) * 0.9
    return study.training.epochs * trained / study.scenario.clients / study.training.batch_size


def trained(cell: CellDigest) -> float:
    """The amount of training of a cell."""
    return cell.study.training.lr * cell.study.rounds * steps_a_round(cell.study)


def series_of(name: str, result: Digest, source: str, colour: int) -> Series:
    """The effect of a source less hard, on Brier against the label, cell by cell."""
    cells = [Shown(result, cell) for cell in result.cells]
    equal, raw = (
        [shown.difference(source, "hard", view, "label", "brier") for shown in cells]
        for view in ("equal_confidence", "raw")
    )
    known = [row for row in equal if row]
    return Series(
        name=name,
        x=[trained(shown.cell) for shown in cells],
        estimate=[row.estimate for row in known],
        low=[row.low for row in known],
        high=[row.high for row in known],
        chosen=chosen(result)[0],
        colour=colour,
        raw=[row.estimate for row in raw if row],
    )


def chosen(result: Digest) -> tuple[float, str]:
    """The amount of training of least validation NLL with hard labels, mean over seeds, and where that is."""
    best, amount_, where = np.inf, np.nan, ""
    for cell in result.cells:
        nll = cell.curves["fedavg", "hard"]["nll"].mean(axis=0)
        if nll.min() < best:
            best, round_ = float(nll.min()), int(nll.argmin())
            amount_ = trained(cell) * round_ / cell.study.rounds
            where = f"round {round_} at a learning rate of {cell.study.training.lr:g}"
    return amount_, where


def rows_of(result: Digest, source: str, series: Series) -> list[list[Cell]]:
    """One row a cell: effects on Brier against the label, and on KL from people."""
    rows = []
    for cell, x in zip(result.cells, series.x, strict=True):
        shown = Shown(result, cell)
        effects = [
            shown.difference(source, "hard", view, reference, metric)
            for view, reference, metric in (
                ("raw", "label", "brier"),
                ("equal_confidence", "label", "brier"),
                ("calibrated_confidence", "vote", "kl"),
            )
        ]
        axes = ", ".join(f"{key.split('.')[-1]} {value:g}" for key, value in cell.axes.items())
        rows.append(
            [
                Cell(source),
                Cell(axes),
                Cell(plain(x, 1)),
                *(Cell(signed(row.estimate, 4), interval(row.low, row.high, 4)) for row in effects if row),
            ]
        )
    return rows


if __name__ == "__main__":
    main()
