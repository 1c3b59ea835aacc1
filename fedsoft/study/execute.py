"""Runs executed to their end: one on any engine, or several in this process, in lockstep."""

import time
from collections.abc import Callable, Sequence
from itertools import islice

from flwr.app import Message

from fedsoft.errors import FedsoftError
from fedsoft.federation import CohortGrid, Exchange, InProcessGrid, Stack, Task, train_together
from fedsoft.study.run import Hooks, Interrupted, Meter, Run, begin
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


def execute(
    settings: RunSettings,
    store: Store,
    make_grid: Callable[[Task], CohortGrid],
    engine: str,
    device: str,
    hooks: Hooks | None = None,
) -> None:
    """Execute one run on any engine.

    Raises:
        Interrupted: ``hooks.stop`` said so; a checkpoint holds the state.
        FedsoftError: the run cannot be done; the message says which run and why.
    """
    meter = Meter()
    run = begin(settings, store, make_grid, engine, device, hooks or Hooks(), meter)
    _advance([(run, meter)], lambda exchanges: [exchange.alone() for exchange in exchanges])


def execute_together(
    runs: Sequence[RunSettings], store: Store, stack: Stack, device: str, hooks: Hooks | None = None
) -> None:
    """Execute runs in this process in lockstep: a round of all, clients trained together, then the next.

    Args:
        runs: none of which needs another.
        store: where they are kept.
        stack: how many clients train as one tensor program.
        device: of all tensors.
        hooks: what is reported and asked.

    Raises:
        Interrupted: ``hooks.stop`` said so; checkpoints hold the states.
        FedsoftError: a run cannot be done; the others are left with checkpoints.
    """
    hooks, failed = hooks or Hooks(), False
    ask = hooks.stop

    def fail() -> None:
        nonlocal failed
        failed = True

    engine = f"inprocess, stack {stack}"
    heed = Hooks(hooks.after_round, lambda: failed or ask())
    begun = []
    for run in runs:
        meter = Meter()
        work = begin(run, store, lambda task: InProcessGrid(task, stack), engine, device, heed, meter)
        begun.append((work, meter))
    _advance(begun, lambda exchanges: _train(exchanges, stack), fail)


def _train(exchanges: list[Exchange], stack: Stack) -> list[list[Message]]:
    """The replies that each run waits for."""
    asked = []
    for exchange in exchanges:
        assert isinstance(exchange.grid, InProcessGrid)
        asked.append(exchange.grid.asked(exchange.partitions, exchange.messages))
    replies = iter(train_together([one for part in asked for one in part], stack))
    return [list(islice(replies, len(part))) for part in asked]


def _advance(
    runs: list[tuple[Run, Meter]],
    exchange: Callable[[list[Exchange]], list[list[Message]]],
    fail: Callable[[], None] = lambda: None,
) -> None:
    """Advance runs to their ends, exchange by exchange.

    Args:
        runs: with their meters.
        exchange: gives each run the replies that it waits for.
        fail: called when one cannot go on; the others then have a round to stop.
    """
    replies: list[list[Message] | None] = [None] * len(runs)
    error: FedsoftError | None = None
    while runs:
        waiting, wanted = [], []
        for (run, meter), mail in zip(runs, replies, strict=True):
            meter.resumed = time.monotonic()
            try:
                wanted.append(next(run) if mail is None else run.send(mail))
                waiting.append((run, meter))
            except StopIteration:
                pass
            except FedsoftError as raised:
                if error is None or isinstance(error, Interrupted):
                    error = raised
                fail()
            meter.seconds = meter.so_far
        runs, began = waiting, time.monotonic()
        replies = [*exchange(wanted)] if wanted else []
        for _, meter in runs:
            meter.seconds += (time.monotonic() - began) / len(runs)
    if error:
        raise error
