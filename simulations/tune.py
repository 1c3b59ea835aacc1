"""Choose learning rates for a study, on seeds that the study does not report.

    python simulations/tune.py configs/audit.toml training.lr 0.03 0.1 0.3 1.0

Runs every source × strategy of the study at each value of one key, with seeds from 100, and prints the
mean validation NLL: against the dataset's labels, by strategy over all sources and each source's best (the
common criterion), and each source's best against its own kind of label, people's votes where its targets are
made of them. Nothing here looks at test examples.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from fedsoft.config import read_study
from fedsoft.execution.conduct import run_study
from fedsoft.execution.search import searching, tried
from fedsoft.report.failures import failure_lines
from fedsoft.report.live import Live
from fedsoft.study.opened import open_study


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("key", help="a dotted key of the study file")
    parser.add_argument("values", type=float, nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()

    table = read_study(options.study, options.settings)
    table = searching(table, options.key, options.values, options.seeds)
    study = open_study(table, str(options.study))
    with Live(study.open_runs) as live:
        run_study(study, "inprocess", None, live.after_round, lambda: False)
    if failures := study.failures:
        sys.exit("\n".join(failure_lines(failures)))

    found = {(one.strategy, one.arm, one.value): one for one in tried(study, options.key)}
    strategies = dict.fromkeys(strategy for strategy, _, _ in found)
    sources = dict.fromkeys(source for _, source, _ in found)
    print(f"\nValidation NLL by {options.key}: in the last round, and (best round: its value)")
    for strategy in strategies:
        print(strategy)
        for value in options.values:
            curve = np.mean([found[strategy, source, value].nll.mean(axis=0) for source in sources], axis=0)
            print(f"  {value:<8g} {curve[-1]:.4f}   ({curve.argmin()}: {curve.min():.4f})")
        for source in sources:
            last = [found[strategy, source, value].nll[:, -1].mean() for value in options.values]
            mine = [found[strategy, source, value].own.mean() for value in options.values]
            print(
                f"    {source}: best at {options.values[int(np.argmin(last))]:g} ({min(last):.4f}), "
                f"by its own labels at {options.values[int(np.argmin(mine))]:g} ({min(mine):.4f})"
            )


if __name__ == "__main__":
    main()
