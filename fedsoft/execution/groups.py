"""Which runs advance in lockstep: as many alike as fill some tensor programs with their clients."""

from collections.abc import Sequence
from typing import Literal

from fedsoft.federation.programs import Stack
from fedsoft.study.data import input_tensor, load_dataset
from fedsoft.study.settings import RunSettings
from fedsoft.training import measured_stack

StackChoice = Stack | Literal["auto"]

PROGRAMS = 2
"""Clients are sorted into so many programs by size, so that each holds clients that end together."""

Group = tuple[list[RunSettings], Stack]
"""Runs to execute together, and how many of their clients to train as one tensor program."""


def groups_of(runs: Sequence[RunSettings], stack: StackChoice, workers: int, device: str) -> list[Group]:
    """Groups of runs, in the order of their first; in a group by seed, so that those of one share batches.

    Args:
        runs: none of which needs another.
        stack: clients to train at once; ``all`` of a run's cohort, one run at a time; or ``auto``.
        workers: for whom there should be groups enough to keep all of them busy.
        device: where they train.
    """
    alike: dict[str, list[RunSettings]] = {}
    for run in runs:
        alike.setdefault(_kind(run) if run.trains else run.key, []).append(run)
    groups: list[Group] = []
    for some in (sorted(runs, key=lambda run: run.seed) for runs in alike.values()):
        chosen = _stack(some[0], stack, workers, device)
        fill = 1 if chosen in ("all", 1) else -(-PROGRAMS * int(chosen) // cohort_size(some[0]))
        size = max(1, min(fill, len(some) // (2 * workers) if workers > 1 else len(some)))
        groups += [(some[start : start + size], chosen) for start in range(0, len(some), size)]
    return groups


def cohort_size(run: RunSettings) -> int:
    """Clients in each round, if none is empty."""
    scenario = run.scenario
    clients = 1 if run.pooled else scenario.clients
    return max(1, round(scenario.participation * clients))


def _kind(run: RunSettings) -> str:
    """What runs have in common whose clients can train in one tensor program."""
    common = (run.dataset, run.model, run.training, run.rounds, cohort_size(run), run.strategy)
    return repr(common)


def _stack(run: RunSettings, stack: StackChoice, workers: int, device: str) -> Stack:
    if stack != "auto":
        return stack
    if not run.trains:
        return 1
    shape = tuple(input_tensor(run.dataset, device).shape[1:])
    classes = load_dataset(run.dataset).classes
    batch = run.training.batch_size
    return measured_stack(run.model, run.training.loss, shape, classes, batch, device, workers)
