"""Where a run stands between two rounds: as a value, and as its checkpoint has it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.serverapp.strategy import Strategy

from fedsoft.evaluation import Cartography
from fedsoft.execution.follow import from_sums, to_sums
from fedsoft.execution.scoring import Figures
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.results import RoundResult
from fedsoft.study.prepare import Prepared


@dataclass
class Standing:
    """Where a run stands.

    Attributes:
        state: the last round.
        kept: the round whose model is kept.
        rounds: the figures of all rounds, the initial model's first.
        lost: the clients that failed, in order.
        seconds: spent before this execution of the run; in a checkpoint, up to it.
        seen: what was seen of the training examples; None where they are not followed.
        attempt: how often the next round was tried, and could not be done.
    """

    state: RoundResult
    kept: RoundResult
    rounds: list[Figures]
    lost: list[dict[str, Any]]
    seconds: float
    seen: Cartography | None
    attempt: int = 0


Checkpoint = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Arrays, and the rest as JSON has it."""


def begun(prepared: Prepared) -> Standing:
    """A run before its first round, whose initial model has no figures yet."""
    task = prepared.task
    start = RoundResult(0, task.initial(), float("nan"), 0)
    followed = prepared.settings.cartography
    seen = Cartography.start(len(task.train.rows), task.inputs.device) if followed else None
    return Standing(start, start, [], [], 0.0, seen)


def to_checkpoint(now: Standing, strategy: Strategy) -> Checkpoint:
    """What a checkpoint holds of a run and its strategy."""
    arrays, kinds = strategy_state(strategy)
    kept = {} if now.kept.number == now.state.number else now.kept.arrays
    parts = {"model": now.state.arrays, "kept": kept, "strategy": arrays, "seen": to_sums(now.seen)}
    return {f"{part}/{name}": array for part, some in parts.items() for name, array in some.items()}, {
        "round": now.state.number,
        "kept": now.kept.number,
        "strategy": kinds,
        "rounds": now.rounds,
        "lost": now.lost,
        "seconds": now.seconds,
        "attempt": now.attempt,
    }


def restored(prepared: Prepared, strategy: Strategy, saved: Checkpoint | None) -> Standing | None:
    """Where a checkpoint stands, the strategy in its state; None where there is no good one."""
    try:
        return _restored(prepared, strategy, saved) if saved else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _restored(prepared: Prepared, strategy: Strategy, saved: Checkpoint) -> Standing:
    """Where a checkpoint stands; some error where it is not one of this run."""
    arrays, rest = saved
    settings, task = prepared.settings, prepared.task
    number, best, rounds, seconds = rest["round"], rest["kept"], rest["rounds"], float(rest["seconds"])
    in_order = [one["round"] for one in rounds] == list(range(number + 1))
    if not in_order or not 0 <= best <= number <= settings.rounds:
        raise ValueError("rounds that do not follow each other")
    model, kept = _part(arrays, "model"), _part(arrays, "kept")
    shapes = {name: array.shape for name, array in task.initial().items()}
    for some in (model, kept or model):
        fits = {name: array.shape for name, array in some.items()} == shapes
        if not fits or not all(np.isfinite(array).all() for array in some.values()):
            raise ValueError("another model")
    if not rest["strategy"].keys() >= strategy_state(strategy)[1].keys():
        raise ValueError("another strategy")
    restore_strategy(strategy, _part(arrays, "strategy"), rest["strategy"])
    seen = None
    if settings.cartography:
        seen = from_sums(number, _part(arrays, "seen"), task.inputs.device)
        if seen.mean.shape != (len(task.train.rows),):
            raise ValueError("other examples")
    nan = float("nan")
    state, kept_state = RoundResult(number, model, nan, 0), RoundResult(best, kept or model, nan, 0)
    return Standing(state, kept_state, rounds, list(rest["lost"]), seconds, seen, int(rest.get("attempt", 0)))


def _part(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint whose names begin with a part, without it."""
    return {n.removeprefix(f"{part}/"): array for n, array in arrays.items() if n.startswith(f"{part}/")}
