"""Rounds of every server strategy beside FedAvg's: the price of the server's rule, and of what it asks."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.rounds import SEEDS, in_lockstep
from benchmarks.workloads import WORKLOADS
from fedsoft.execution.groups import StackChoice, groups_of
from fedsoft.federation import STRATEGIES
from fedsoft.study.opened import open_study

BASELINE = "fedavg"
SMALL = ("digits_mlp", "features_mlp")
"""Workloads of which a server's work is not a vanishing part."""
SERVER_EXAMPLES = 200
"""Those of strategies that need some; every strategy's clients lack them, so that all train on the same."""


def compare(only: Sequence[str] | None, folder: Path, repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """Milliseconds of a round of one run under each strategy, and their ratio to FedAvg's, by workload.

    Strategies take turns, so that the machine's drift hits all alike; a ratio is the median over turns. Runs
    go in lockstep with as many seeds as FedAvg's would by themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for workload in WORKLOADS:
        if workload.name not in SMALL or (only and workload.name not in only):
            continue
        study = workload.study(folder)
        study["scenario"] |= {"server_examples": SERVER_EXAMPLES}
        spent: dict[str, list[float]] = {}
        stack: StackChoice = "auto"
        for repeat in range(repeats):
            for name in [BASELINE, *(name for name in STRATEGIES.names() if name != BASELINE)]:
                seconds, stack = _round(study, name, stack, folder / f"{workload.name}-{name}-{repeat}")
                spent.setdefault(name, []).append(seconds)
        found[workload.name] = {
            "ms": {name: 1000 * median(times) for name, times in spent.items()},
            "vs_fedavg": {
                name: median(a / b for a, b in zip(times, spent[BASELINE], strict=True))
                for name, times in spent.items()
            },
        }
    return found


def _round(study: dict[str, Any], name: str, stack: StackChoice, folder: Path) -> tuple[float, StackChoice]:
    """Seconds of a round of one run, the median of all but the first, and how many clients were stacked."""
    many = {**study, "strategies": [name], "seeds": list(range(SEEDS))}
    group = groups_of(open_study(many, "benchmark", folder).plan.runs, stack, 1, "cpu")[0]
    return median(in_lockstep(many, group, folder)[1:]), group[1]
