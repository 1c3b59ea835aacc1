"""A round: Flower's strategy hooks, in an order that can be interrupted and resumed."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import ConfigRecord, Message
from flwr.serverapp.strategy import Strategy

from fedsoft.errors import EngineError
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.records import to_arrays, to_record


@dataclass(frozen=True)
class RoundResult:
    """The state after a round.

    Attributes:
        number: the round, from 1; 0 is the initial model.
        arrays: parameters of the global model.
        train_loss: mean loss of the cohort, weighted by examples; NaN where nobody trained.
        cohort: number of clients that trained.
    """

    number: int
    arrays: dict[str, np.ndarray]
    train_loss: float
    cohort: int


@dataclass(frozen=True)
class Exchange:
    """What a run waits for in a round: the replies of its grid's partitions to its messages."""

    grid: CohortGrid
    partitions: list[int]
    messages: list[Message]

    def alone(self, timeout: float = 3600.0) -> list[Message]:
        """The replies, by the grid's own means, within some seconds."""
        return self.grid.exchange(self.partitions, self.messages, timeout)


Round = Generator[Exchange, list[Message], RoundResult]
"""A round at work: yields its exchange, takes the replies, returns what came of it."""


def play_round(
    strategy: Strategy, grid: CohortGrid, state: RoundResult, config: Mapping[str, str] | None = None
) -> Round:
    """The round after ``state``: configure, train, aggregate, as ``Strategy.start`` does.

    ``Strategy.start`` can neither resume, nor let the cohort be drawn by partition, nor advance beside other
    runs; a test holds the two bitwise equal.

    Args:
        strategy: one of Flower's strategies, fresh, or with the state it had after ``state``.
        grid: the engine.
        state: the initial model, or what the last round left.
        config: what else clients are told.

    Raises:
        EngineError: a client failed; the message carries its traceback.
    """
    number = state.number + 1
    if not grid.open_round(number):
        return RoundResult(number, state.arrays, float("nan"), 0)
    told, record = ConfigRecord(dict(config or {})), to_record(state.arrays)
    replies = yield Exchange(grid, *grid.in_order(strategy.configure_train(number, record, told, grid)))
    for partition, reply in zip(grid.cohort, replies, strict=True):
        if reply.has_error():
            raise EngineError(f"client {partition} failed in round {number}:\n{reply.error.reason}")
    aggregated, metrics = strategy.aggregate_train(number, replies)
    if aggregated is None or metrics is None:
        raise EngineError(f"{type(strategy).__name__} aggregated nothing in round {number}.")
    arrays = to_arrays(aggregated)
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise EngineError(
            f"training diverged in round {number}: {bad[0]} is not finite; lower training.lr "
            "or the strategy's server step."
        )
    return RoundResult(number, arrays, float(metrics["train-loss"]), len(replies))
