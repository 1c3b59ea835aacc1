"""Runs executed to their end: one on any engine, or several in this process, in lockstep."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from flwr.app import Message

from fedsoft.execution.run import Hooks, Host, Interrupted, Meter, Run, Waits, begin
from fedsoft.execution.scoring import Scoring, score_together
from fedsoft.federation.direct import Merge, Trainer, Turn, merge_together
from fedsoft.federation.exchange import Exchange
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.together import Stack, train_together
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store

Doing = Mapping[type, Callable[[list[Any]], Sequence[Any]]]
"""What gives runs the things that they wait for, by kind, to all who wait for one at once."""


def execute(settings: RunSettings, host: Host) -> None:
    """Execute one run on any engine.

    Raises:
        Interrupted: ``host.hooks.stop`` said so; a checkpoint holds the state.
        Exception: what is around the run failed; a run that cannot be done is stored as failed.
    """
    meter = Meter()
    run = begin(settings, host, meter)
    alone: Doing = {kind: lambda wants: [one.alone() for one in wants] for kind in (Merge, Turn, Exchange)}
    _advance([(run, meter)], {Scoring: score_together, **alone})


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
        Exception: what is around the runs failed; they are left with checkpoints. A run that cannot be done
            is stored as failed, and the others go on.
    """
    hooks = hooks or Hooks()
    engine = f"inprocess, stack {stack}"
    host = Host(store, lambda task: InProcessGrid(task, stack), engine, device, hooks)
    execute_hosted([(run, host) for run in runs], stack)


def execute_hosted(runs: Sequence[tuple[RunSettings, Host]], stack: Stack) -> None:
    """Execute runs in lockstep, each on a host with an `InProcessGrid`; otherwise as `execute_together`."""
    broken = False

    def end() -> None:
        nonlocal broken
        broken = True

    def heeding(host: Host) -> Host:
        ask = host.hooks.stop
        return replace(host, hooks=replace(host.hooks, stop=lambda: broken or ask()))

    meters = [Meter() for _ in runs]
    begun = [
        (begin(run, heeding(host), meter), meter) for (run, host), meter in zip(runs, meters, strict=True)
    ]
    together: Doing = {
        Scoring: score_together,
        Merge: merge_together,
        Exchange: lambda exchanges: _exchange(exchanges, stack),
        Turn: Trainer(stack).train,
    }
    _advance(begun, together, end)


def _exchange(exchanges: list[Exchange], stack: Stack) -> list[list[Message]]:
    """The replies that each run waits for."""
    asked = []
    for exchange in exchanges:
        assert isinstance(exchange.grid, InProcessGrid)
        asked.append(exchange.grid.asked(exchange.partitions, exchange.messages))
    replies = iter(train_together([one for part in asked for one in part], stack))
    return [list(islice(replies, len(part))) for part in asked]


def _advance(runs: Sequence[tuple[Run, Meter]], doing: Doing, end: Callable[[], None] = lambda: None) -> None:
    """Advance runs to their ends, those who train last, so that all do so together.

    Args:
        runs: with their meters.
        doing: does what runs wait for.
        end: called when something around the runs fails; they then have a round to stop.
    """
    waiting: dict[int, list[tuple[Run, Meter, Any]]] = {}
    error: Exception | None = None

    def resume(run: Run, meter: Meter, answer: Any) -> None:
        nonlocal error
        meter.resumed = time.monotonic()
        try:
            wants = run.throw(answer) if isinstance(answer, Exception) else run.send(answer)
            waiting.setdefault(_order(wants), []).append((run, meter, wants))
        except StopIteration:
            pass
        except Exception as raised:  # the others leave checkpoints before it ends them all
            if error is None or isinstance(error, Interrupted):
                error = raised
            end()
        meter.seconds = meter.so_far

    for run, meter in runs:
        resume(run, meter, None)
    while waiting:
        began, turn = time.monotonic(), waiting.pop(min(waiting))
        wanted = [wants for *_, wants in turn]
        answers = _each(doing[type(wanted[0])], wanted)
        spent = (time.monotonic() - began) / len(turn)
        for (run, meter, _), answer in zip(turn, answers, strict=True):
            meter.seconds += spent
            resume(run, meter, answer)
        del answers, answer  # which may hold all models of a round
    if error:
        raise error


def _order(wants: Waits) -> int:
    """When what a run waits for is done, beside what others wait for: the lowest first."""
    if isinstance(wants, Exchange):
        return 3 if wants.trains else 2
    return {Scoring: 0, Merge: 1, Turn: 4}[type(wants)]


def _each(together: Callable[[list[Any]], Sequence[Any]], wanted: list[Any]) -> list[Any]:
    """What each run waits for; where that fails, each by itself, so that the exception is that of its run."""
    try:
        return list(together(wanted))
    except Exception as error:
        if len(wanted) == 1:
            return [error]
        return [answer for one in wanted for answer in _each(together, [one])]
