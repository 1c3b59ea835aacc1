"""Run a study with `flwr run`: the same app, on a SuperLink that is started and stopped here.

    python simulations/flwr_run.py configs/audit.toml --out runs/audit-flwr

The numbers are those of `fedsoft run`; this is the road to a deployment with real clients.
"""

import argparse
import os
import sys
from pathlib import Path

from fedsoft.config import read_study
from fedsoft.execution.superlink import flwr_run
from fedsoft.report import write_report
from fedsoft.report.failures import failure_lines
from fedsoft.study.opened import open_study


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()

    table = read_study(options.study)
    study = open_study(table, str(options.study), options.out or Path("runs") / f"{table['name']}-flwr")
    print(study.summary())
    study.save()
    flwr_run(Path(__file__).parents[1], options.study, study.store.root, study.plan.clients, options.workers)
    write_report(study.store.root)
    if failures := study.failures:
        sys.exit("\n".join(failure_lines(failures)))


if __name__ == "__main__":
    main()
