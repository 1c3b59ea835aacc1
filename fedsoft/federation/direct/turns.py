"""Rounds of several runs in this process: their clients trained, and their updates merged, at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from flwr.serverapp.strategy import Strategy

from fedsoft.federation import asks
from fedsoft.federation.asked import Told
from fedsoft.federation.direct.rules import Rule
from fedsoft.federation.direct.updates import Updates
from fedsoft.federation.local import not_finite, train
from fedsoft.federation.programs import Stack, alike, programs
from fedsoft.federation.tables import Table
from fedsoft.federation.task import Task
from fedsoft.training import Parameters


@dataclass(frozen=True)
class Turn:
    """What a run waits for in a round: that some of its clients train.

    Attributes:
        task: the run.
        partitions: the clients, ascending; one at least.
        start: the global model.
        config: what they are told.
        stack: how many share a tensor program where the run trains by itself.
    """

    task: Task
    partitions: list[int]
    start: Parameters
    config: Mapping[str, Any]
    stack: Stack

    def like(self, other: "Turn") -> bool:
        """Whether clients of both can train in one tensor program."""
        return self.task.trains_as(other.task) and self.config == other.config

    def alone(self) -> "Outcome":
        """The training of this run's clients by themselves."""
        return Trainer(self.stack).train([self])[0]


@dataclass(frozen=True)
class Taught(Told):
    """A client that is told something without a message."""

    told: Mapping[str, Any]

    @property
    def content(self) -> Mapping[str, Any]:
        """Nothing but the config."""
        return self.told


@dataclass(frozen=True)
class Outcome:
    """What came of a turn.

    Attributes:
        models: (N, …) of all clients that trained in this process, of this run or others.
        places: where the run's clients stand among them, by partition.
        losses: their training losses.
        unfit: those whose model or loss is not finite, with the first that is not.
    """

    models: Parameters
    places: dict[int, int]
    losses: dict[int, float]
    unfit: dict[int, str]


class _Targets:
    """The targets of runs, which stay the same from round to round; with the runs, by whose identity they are
    known."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.table = tasks, Table.of(tasks)


class Trainer:
    """Trains the clients of runs that advance in lockstep, round after round.

    Attributes:
        stack: how many clients share a tensor program at most; halved where memory does not hold so many.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._tables: dict[tuple[int, ...], _Targets] = {}

    def train(self, turns: Sequence[Turn]) -> list[Outcome]:
        """Train the clients of all turns, in order."""
        found: dict[int, Outcome] = {}
        before, self._tables = self._tables, {}
        for places in alike(turns, Turn.like):
            some = [turns[i] for i in places]
            key = tuple(id(turn.task) for turn in some)
            self._tables[key] = before.get(key) or _Targets([turn.task for turn in some])
            found.update(zip(places, self._together(some, self._tables[key].table), strict=True))
        return [found[i] for i in range(len(turns))]

    def _together(self, turns: Sequence[Turn], table: Table) -> list[Outcome]:
        """Train clients of turns that are alike; half as many at a time if these take too much memory."""
        while True:
            try:
                return self._trained(turns, table)
            except torch.OutOfMemoryError:
                clients = sum(len(turn.partitions) for turn in turns)
                size = clients if self.stack == "all" else min(self.stack, clients)
                if size == 1:
                    raise
                self.stack = size // 2
                torch.cuda.empty_cache()

    def _trained(self, turns: Sequence[Turn], table: Table) -> list[Outcome]:
        told = {"config": turns[0].config}
        if asks.EXAMPLE_CLIP in turns[0].config and {a.dtype for a in turns[0].start.values()} != {
            torch.float32
        }:
            raise TypeError("privacy is accounted for float32 alone")
        asked = [Taught(turn.task, partition, told) for turn in turns for partition in turn.partitions]
        starts = {name: torch.stack([turn.start[name] for turn in turns]) for name in turns[0].start}
        place = {id(turn.task): r for r, turn in enumerate(turns)}
        device = asked[0].task.inputs.device
        models = {n: value.new_empty((len(asked), *value.shape[1:])) for n, value in starts.items()}
        losses = torch.empty(len(asked), device=device)
        at, begun = np.empty(len(asked), dtype=np.int64), 0
        for program in programs([one.examples for one in asked], self.stack):
            ended = begun + len(program)
            out = {name: value[begun:ended] for name, value in models.items()}
            trained = train([asked[i] for i in program], starts, place, table, out)
            losses[begun:ended] = trained.losses[torch.from_numpy(trained.order).to(device)]
            at[np.array(program)[trained.order]] = np.arange(begun, ended)
            begun = ended
        unfit, told_losses, stands = not_finite(models, losses), losses.tolist(), at.tolist()
        found, first = [], 0
        for turn in turns:
            mine = stands[first : first + len(turn.partitions)]
            places = dict(zip(turn.partitions, mine, strict=True))
            first += len(turn.partitions)
            found.append(
                Outcome(
                    models,
                    places,
                    {partition: told_losses[i] for partition, i in places.items()},
                    {partition: unfit[i] for partition, i in places.items() if i in unfit},
                )
            )
        return found


@dataclass(frozen=True)
class Merge:
    """What a run waits for after a turn: the global model that some of its updates make.

    Attributes:
        rule: the strategy's.
        strategy: it, whose state moves on.
        turn: the turn.
        training: what came of it.
        used: the clients whose updates are used; one at least.
        number: the round.
    """

    rule: Rule
    strategy: Strategy
    turn: Turn
    training: Outcome
    used: list[int]
    number: int

    def alone(self) -> "Merged":
        """The global model of this run."""
        return merge_together([self])[0]

    @cached_property
    def kind(self) -> tuple[object, ...]:
        """What merges have in common that are done at once."""
        return self.rule, self.number, len(self.used), id(self.training.models)


@dataclass(frozen=True)
class Merged:
    """A global model, its clients' mean loss, and the first of its parameters that is not finite, if any."""

    model: Parameters
    loss: float
    unfit: str | None


def merge_together(merges: Sequence[Merge]) -> list[Merged]:
    """The global models of runs, in order."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for i, one in enumerate(merges):
        kinds.setdefault(one.kind, []).append(i)
    found: dict[int, Merged] = {}
    for some in kinds.values():
        found.update(zip(some, _merged([merges[i] for i in some]), strict=True))
    return [found[i] for i in range(len(merges))]


def _merged(merges: Sequence[Merge]) -> list[Merged]:
    """The global models of runs whose strategies have one rule."""
    first = merges[0]
    updates = first.rule.counted(
        Updates(
            first.training.models,
            np.array([[one.training.places[client] for client in one.used] for one in merges]),
            np.array([one.turn.task.train.sizes[one.used] for one in merges]),
            np.array([[one.training.losses[client] for client in one.used] for one in merges]),
        )
    )
    start = {name: torch.stack([one.turn.start[name] for one in merges]) for name in first.turn.start}
    models = first.rule.merge([one.strategy for one in merges], start, updates, first.number)
    losses = updates.mean_losses()
    unfit = not_finite(models, torch.zeros(len(merges), device=next(iter(models.values())).device))
    return [
        Merged({name: value[r] for name, value in models.items()}, float(loss), unfit.get(r))
        for r, loss in enumerate(losses)
    ]
