"""Is one strategy better than its rivals, each of them, where a study compares all with tuned FedAvg?

    python simulations/rivals.py configs/strategies_cifar10h.toml fedcrowd fedavg fedds fedsir

Runs the study, or goes on where it stopped, and prints each rival's losses less the strategy's, on the same
images and seeds, with intervals that are Holm-adjusted over rivals and conditions, measure by measure. Equal
confidence is the study's: that of its reference strategy. A bare name stands for the only strategy of that
name, or the one without options.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console

from fedsoft.analysis.contest import Contest, contest_of
from fedsoft.analysis.finished import Finished
from fedsoft.analysis.strategies import compare_strategies
from fedsoft.config import read_study
from fedsoft.execution.conduct import run_study
from fedsoft.report.live import Live
from fedsoft.report.strategy_tables import versus_tables
from fedsoft.report.tables import to_rich
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

    opened = open_study(read_study(options.study), str(options.study), options.out)
    with Live(opened.open_runs) as live:
        run_study(opened, "inprocess", options.workers, live.after_round, lambda: False)
    known = labels(opened.plan.study.strategies)
    reference, *rivals = (label_of(name, known) for name in (options.strategy, *options.rivals))
    found = compare_strategies(opened.plan.study, contests_of(opened), reference, [reference, *rivals])
    assert found is not None, "the study has no results of these strategies"
    for title, table in versus_tables(found):
        Console(width=200).print(f"each − {reference}" + f", {title}" * bool(title), to_rich(table), sep="\n")


def contests_of(opened: OpenStudy) -> list[Contest]:
    """The strategies of every cell beside each other."""
    store = opened.store
    records = {run.key: store.record(run.key) for run in opened.plan.runs if store.is_done(run.key)}
    found = (
        contest_of(Finished(cell, store, opened.device, records), labels(cell.study.strategies))
        for cell in opened.plan.cells
    )
    return [one for one in found if one is not None]


def label_of(name: str, known: list[str]) -> str:
    """A strategy's label, from itself or from a bare name that one alone has."""
    if name in known:
        return name
    (found,) = [label for label in known if label.partition("(")[0] == name]
    return found


if __name__ == "__main__":
    main()
