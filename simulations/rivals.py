"""Is one strategy better than its rivals, each of them, where a study compares all with tuned FedAvg?

    python simulations/rivals.py configs/strategies_cifar10h.toml fedcrowd fedavg fedds fedsir

Runs the study, or goes on where it stopped, and prints the strategy's losses less each rival's, on the same
images and seeds, with intervals that are Holm-adjusted over rivals and conditions, measure by measure. Equal
confidence is the study's: that of its reference strategy. Names without options stand for the only strategy
of that name.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from rich.console import Console

from fedsoft.analysis.contest import Contest, Measure, contest_of, measures_of
from fedsoft.analysis.finished import Finished
from fedsoft.config import MARGINS, read_study
from fedsoft.evaluation import Crossing, Effects, decide
from fedsoft.execution.conduct import run_study
from fedsoft.report.live import Live
from fedsoft.report.numbers import interval, signed
from fedsoft.report.shown import axes_name
from fedsoft.report.strategy_tables import measure_name
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.study.opened import OpenStudy, open_study
from fedsoft.study.plan import labels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("strategy")
    parser.add_argument("rivals", nargs="+")
    parser.add_argument("--out", type=Path, help="results; by default runs/<study name>")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()

    study = open_study(read_study(options.study), str(options.study), options.out)
    with Live(study.open_runs) as live:
        run_study(study, "inprocess", options.workers, live.after_round, lambda: False)
    contests = contests_of(study)
    for measure in measures_of(study.plan.study):
        if all(measure in one.values for one in contests) and measure.metric != "signed_gap":
            table = against(contests, measure, options.strategy, options.rivals)
            Console(width=130).print(measure_name(measure), table, "", sep="\n")


def contests_of(study: OpenStudy) -> list[Contest]:
    """The strategies of every cell beside each other."""
    records = {
        run.key: study.store.record(run.key) for run in study.plan.runs if study.store.is_done(run.key)
    }
    found = (
        contest_of(Finished(cell, study.store, "cpu", records), labels(cell.study.strategies))
        for cell in study.plan.cells
    )
    return [one for one in found if one is not None]


def against(contests: list[Contest], measure: Measure, strategy: str, rivals: list[str]) -> object:
    """A row a condition and rival: the strategy less the rival, and what that is."""
    where, effects = [], []
    for contest in contests:
        columns = contest.values[measure]
        inside = ~np.isnan(columns[0])
        sets = None if contest.sets is None else contest.sets[inside]
        crossing = Crossing(contest.unit[inside], contest.seed[inside], sets=sets)
        mine = columns[place(contest, strategy)][inside]
        others = np.stack([columns[place(contest, rival)][inside] for rival in rivals])
        effects.append(crossing.effects((mine - others).T).flat())
        where += [(axes_name(contest.axes), rival) for rival in rivals]
    family = Effects(
        np.concatenate([one.estimate for one in effects]),
        np.concatenate([one.se for one in effects]),
        min(one.df for one in effects),
        min(one.seeds for one in effects),
    )
    decided = decide(family, MARGINS[measure.metric], "lower")
    rows = [
        [Cell(axes), Cell(rival), Cell(signed(float(value), 4)), Cell(interval(one.low, one.high, 4)),
         Cell(one.verdict)]
        for (axes, rival), value, one in zip(where, family.estimate, decided, strict=True)
    ]  # fmt: skip
    return to_rich(
        Table(("condition", "rival", f"{strategy} − rival", "interval", ""), rows, prose=(0, 1, 4))
    )


def place(contest: Contest, name: str) -> int:
    """Where a strategy stands: by its label, or by its bare name if only one has it."""
    if name in contest.strategies:
        return contest.strategies.index(name)
    (found,) = [i for i, label in enumerate(contest.strategies) if label.split("(")[0] == name]
    return found


if __name__ == "__main__":
    main()
