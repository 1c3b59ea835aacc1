"""A round without a message, in the order of the one with messages."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from flwr.app import Error
from flwr.serverapp.strategy import Strategy

from fedsoft.federation.asks import WHERE, attempt_of
from fedsoft.federation.client import FAILED_BY_CHANCE
from fedsoft.federation.codes import NOT_FINITE
from fedsoft.federation.direct.rules import Rule
from fedsoft.federation.direct.turns import Merge, Merged, Outcome, Turn
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.results import RoundResult, diverged, failure_of, raise_for
from fedsoft.scenarios import Fate


class Unable(Exception):  # noqa: N818 (it is no error yet)
    """Clients could not be trained together, for whatever reason."""


def play_here(
    rule: Rule,
    strategy: Strategy,
    grid: CohortGrid,
    state: RoundResult,
    config: Mapping[str, Any],
    suits: Callable[[int], bool],
) -> Generator[Turn | Merge, Any, RoundResult]:
    """The round after ``state``, as `play_round` plays it in messages.

    Args:
        rule: the strategy's.
        strategy: whose state moves on.
        grid: the engine, whose round is open, and whose cohort is not empty.
        state: what the last round left.
        config: what else clients are told.
        suits: whether the strategy can work with so many updates.

    Raises:
        Unable: something raised before anything was changed.
        RoundError: too few updates are left because clients raised, or training diverged.
    """
    assert grid.here
    number, task, cohort, clients = state.number + 1, grid.task, grid.cohort, len(grid.cohort)
    fates = task.fates(number, attempt_of(config))
    there = [p for p in cohort if fates is None or fates[p] != Fate.DROPPED]
    failing = [p for p in there if fates is not None and fates[p] == Fate.FAILING]
    trying = [p for p in there if fates is None or fates[p] != Fate.FAILING]
    told = {key: value for key, value in config.items() if key not in WHERE}
    told = {**told, **rule.told(), "server-round": number}
    turn = Turn(task, trying, state.parameters(task.inputs.device), told, grid.here)
    try:
        training: Outcome | None = (yield turn) if trying else None
    except Exception as error:
        raise Unable from error
    unfit = training.unfit if training else {}
    lost = dict.fromkeys(failing, FAILED_BY_CHANCE)
    lost |= {p: Error(NOT_FINITE, f"{what} is not finite") for p, what in unfit.items()}
    whole = [p for p in trying if p not in unfit]
    used = [p for p in whole if fates is None or fates[p] != Fate.LATE]
    bytes_each = sum(value.nbytes for value in turn.start.values())
    void = RoundResult(
        number,
        state.model,
        float("nan"),
        0,
        dropped=clients - len(there),
        late=len(whole) - len(used),
        failures=tuple(failure_of(number, p, lost[p]) for p in sorted(lost)),
        sent=bytes_each * (len(there) + len(whole)),
    )
    if training is None or len(used) < max(1, task.enough * clients) or not suits(len(used)):
        raise_for(number, sorted(lost.items()), clients)
        return void
    merged: Merged = yield Merge(rule, strategy, turn, training, used, number)
    if merged.unfit or not np.isfinite(merged.loss):
        raise diverged(number, merged.unfit or "the training loss")
    return replace(void, model=merged.model, train_loss=merged.loss, cohort=len(used))
