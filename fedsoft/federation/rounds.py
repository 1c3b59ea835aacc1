"""A round: Flower's strategy hooks, in an order that can be interrupted and resumed."""

import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Error, Message, MetricRecord
from flwr.serverapp.strategy import Strategy

from fedsoft.errors import EngineError, in_a_line
from fedsoft.federation.asks import ATTEMPT, attempt_of, size_of
from fedsoft.federation.codes import NOT_FINITE
from fedsoft.federation.direct import Merge, Turn, Unable, on_host, play_here, rule_of
from fedsoft.federation.exchange import Exchange, RoundError
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.records import to_arrays, to_record
from fedsoft.federation.results import RoundResult, diverged, failure_of, raise_for
from fedsoft.federation.secure.server import agree
from fedsoft.federation.servers.private_mean import PrivateMean
from fedsoft.scenarios import Fate

Wait = Exchange | Turn | Merge
"""What a run waits for in a round: replies to messages; or, without any, training, and its merging."""

Round = Generator[Wait, Any, RoundResult]
"""A round at work: yields what it waits for, takes it, and returns what came of it."""


def play_round(
    strategy: Strategy,
    grid: CohortGrid,
    state: RoundResult,
    config: Mapping[str, str | float] | None = None,
    suits: Callable[[int], bool] = lambda size: True,
    attempt: int = 0,
) -> Round:
    """The round after ``state``: configure, train, aggregate, as ``Strategy.start`` does.

    ``Strategy.start`` can neither resume, nor let the cohort be drawn by partition, nor advance beside other
    runs; a test holds the two bitwise equal.

    A client that fails costs its update. Where so few updates arrive that they are not enough (by the task,
    or for the strategy), the model stays as it is if chance alone is to blame.

    Args:
        strategy: one of Flower's strategies, fresh, or with the state it had after ``state``.
        grid: the engine.
        state: the initial model, or what the last round left.
        config: what else clients are told.
        suits: whether the strategy can work with so many updates.
        attempt: how often the round was tried before; what goes wrong by chance, and what clients keep
            secret, is drawn anew for each.

    Raises:
        RoundError: too few updates are left because clients raised, or too few to open their sum; training
            diverged, or the strategy or the engine failed.
    """
    number = state.number + 1
    try:
        told = ConfigRecord({**(config or {}), **({ATTEMPT: attempt} if attempt else {})})
        return (yield from _play(strategy, grid, state, number, told, suits))
    except RoundError:
        raise
    except Exception as error:
        detail = "".join(traceback.format_exception(error))
        raise RoundError(f"round {number} failed: {in_a_line(error)}", number, detail=detail) from error


def _play(
    strategy: Strategy,
    grid: CohortGrid,
    state: RoundResult,
    number: int,
    config: ConfigRecord,
    suits: Callable[[int], bool],
) -> Round:
    void = RoundResult(number, state.model, float("nan"), 0)
    if not grid.open_round(number):
        if not isinstance(strategy, PrivateMean):
            return void
        return _after(strategy.of_nobody(number, to_record(state.arrays), grid), void, strategy, [])
    if grid.here and not grid.task.secure_sum and (rule := rule_of(strategy)):
        try:
            return (yield from play_here(rule, strategy, grid, state, config, suits))
        except Unable:
            on_host(strategy)  # messages name the client at fault
    told, record = ConfigRecord(dict(config)), to_record(state.arrays)
    partitions, messages = grid.in_order(strategy.configure_train(number, record, told, grid))
    size, fates = len(partitions), grid.task.fates(number, attempt_of(config))
    agreed = (yield from agree(grid, partitions, number, config)) if grid.task.secure_sum else None
    if agreed:
        partitions, messages = agreed.ask(partitions, messages)
    able = len(partitions)
    if fates is not None:
        there = [i for i, partition in enumerate(partitions) if fates[partition] != Fate.DROPPED]
        partitions, messages = [partitions[i] for i in there], [messages[i] for i in there]
    replies = [_checked(reply) for reply in (yield Exchange(grid, partitions, messages))] if messages else []
    answered = list(zip(partitions, replies, strict=True))
    sent = sum(map(size_of, messages)) + sum(size_of(reply) for reply in replies if reply.has_content())
    lost = [(partition, reply) for partition, reply in answered if reply.has_error()]
    lost = sorted(agreed.lost + lost, key=lambda one: one[0]) if agreed else lost
    whole = [(p, reply) for p, reply in answered if reply.has_content()]
    used = [(p, reply) for p, reply in whole if fates is None or fates[p] != Fate.LATE]
    void = replace(
        void,
        dropped=able - len(partitions),
        late=len(whole) - len(used),
        failures=tuple(failure_of(number, partition, reply.error) for partition, reply in lost),
        sent=sent + (agreed.sent if agreed else 0),
    )
    if agreed:
        agreed.check_left(len(used), lost)
    if len(used) < max(1, grid.task.enough * size) or not suits(len(used)):
        raise_for(number, [(partition, reply.error) for partition, reply in lost], size)
        if agreed or not isinstance(strategy, PrivateMean):
            return void  # else it would be told, by a model without noise, that somebody was there
    if not agreed:
        return _after(strategy.aggregate_train(number, [reply for _, reply in used]), void, strategy, used)
    total = yield from agreed.open(used)
    void = replace(void, sent=sent + agreed.sent)
    if isinstance(strategy, PrivateMean):
        return _after(strategy.aggregate_total(number, total), void, strategy, used)
    return _after(strategy.aggregate_train(number, [total.as_reply(record)]), void, strategy, used)


def _after(
    made: tuple[ArrayRecord | None, MetricRecord | None],
    void: RoundResult,
    strategy: Strategy,
    used: Sequence[tuple[int, Message]],
) -> RoundResult:
    """What came of a round, from what a strategy made of the updates used; all else is as of a void round."""
    (aggregated, metrics), number = made, void.number
    if aggregated is None or metrics is None:
        raise EngineError(f"{type(strategy).__name__} aggregated nothing.")
    arrays, loss = to_arrays(aggregated), float(metrics["train-loss"])
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad or not np.isfinite(loss):
        raise diverged(number, bad[0] if bad else "the training loss")
    return replace(void, model=arrays, train_loss=loss if used else float("nan"), cohort=len(used))


def _checked(reply: Message) -> Message:
    """The reply; an error where its loss is no number, as our clients send where anything is not."""
    hidden = reply.has_error() or "metrics" not in reply.content  # under masks nothing is not finite
    if hidden or np.isfinite(float(reply.content["metrics"]["train-loss"])):
        return reply
    return Message(Error(NOT_FINITE, "the training loss is not finite"), reply_to=reply)
