"""A round: Flower's strategy hooks, in an order that can be interrupted and resumed."""

import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from flwr.app import ConfigRecord, Message
from flwr.serverapp.strategy import Strategy

from fedsoft.errors import EngineError, in_a_line
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.records import to_arrays, to_record


class RoundError(EngineError):
    """A round of one run cannot be done; other runs are none the worse for it.

    Attributes:
        number: the round.
        client: the partition at fault; None where it is nobody's, or not known.
        detail: the traceback, as far as there is one.
    """

    def __init__(self, message: str, number: int, client: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.number, self.client, self.detail = number, client, detail


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
        RoundError: a client raised, training diverged, or the strategy or the engine failed.
    """
    number = state.number + 1
    try:
        return (yield from _play(strategy, grid, state, number, config or {}))
    except RoundError:
        raise
    except Exception as error:
        detail = "".join(traceback.format_exception(error))
        raise RoundError(f"round {number} failed: {in_a_line(error)}", number, detail=detail) from error


def _play(
    strategy: Strategy, grid: CohortGrid, state: RoundResult, number: int, config: Mapping[str, str]
) -> Round:
    if not grid.open_round(number):
        return RoundResult(number, state.arrays, float("nan"), 0)
    told, record = ConfigRecord(dict(config)), to_record(state.arrays)
    replies = yield Exchange(grid, *grid.in_order(strategy.configure_train(number, record, told, grid)))
    for partition, reply in zip(grid.cohort, replies, strict=True):
        if reply.has_error():
            cause, _, detail = (reply.error.reason or "no reason given").partition("\n")
            raise RoundError(
                f"client {partition} failed in round {number}: {cause}", number, partition, detail
            )
    aggregated, metrics = strategy.aggregate_train(number, replies)
    if aggregated is None or metrics is None:
        raise EngineError(f"{type(strategy).__name__} aggregated nothing.")
    arrays = to_arrays(aggregated)
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise _diverged(number, bad[0], grid.cohort, replies)
    loss = float(metrics["train-loss"])
    if not np.isfinite(loss):
        raise _diverged(number, "the training loss", grid.cohort, replies)
    return RoundResult(number, arrays, loss, len(replies))


def _diverged(number: int, what: str, cohort: Sequence[int], replies: Sequence[Message]) -> RoundError:
    """The error of a round after which something is not finite, with the first client that sent it."""
    first = (partition for partition, reply in zip(cohort, replies, strict=True) if not _is_finite(reply))
    client = next(first, None)
    where = "" if client is None else f", at client {client}"
    return RoundError(
        f"training diverged in round {number}{where}: {what} is not finite; lower training.lr or the "
        "strategy's server step.",
        number,
        client,
    )


def _is_finite(reply: Message) -> bool:
    """Whether a client's parameters and training loss are numbers."""
    arrays = to_arrays(reply.content["arrays"]).values()
    loss = float(reply.content["metrics"]["train-loss"])
    return bool(np.isfinite(loss)) and all(np.isfinite(array).all() for array in arrays)
