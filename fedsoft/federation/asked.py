"""A client, and what it is asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from flwr.app import Message, MessageType

from fedsoft.federation import asks
from fedsoft.federation.task import Task
from fedsoft.scenarios import Fate


@dataclass(frozen=True)
class Told(ABC):
    """A client of a run, and what the server tells it in a round.

    Attributes:
        task: the run.
        partition: which of its clients.
    """

    task: Task
    partition: int

    @property
    @abstractmethod
    def content(self) -> Mapping[str, Any]:
        """Records by name, as a message has them; ``config`` is always there."""

    @property
    def config(self) -> Mapping[str, Any]:
        """What the server tells the client."""
        config: Mapping[str, Any] = self.content["config"]
        return config

    @property
    def server_round(self) -> int:
        """The round."""
        return int(self.config["server-round"])

    @property
    def examples(self) -> int:
        """How many the client trains on."""
        return len(self.task.train.of(self.partition))


@dataclass(frozen=True)
class Asked(Told):
    """A client of a run, and the message that asks it to train, or to tell something."""

    message: Message

    @property
    def content(self) -> Mapping[str, Any]:
        """The message's."""
        content: Mapping[str, Any] = self.message.content
        return content

    @property
    def trains(self) -> bool:
        """Whether it is asked to train."""
        return bool(self.message.metadata.message_type == MessageType.TRAIN)

    @property
    def fails(self) -> bool:
        """Whether the client fails in this round because the scenario says so."""
        fates = self.task.fates(self.server_round, asks.attempt_of(self.config))
        return fates is not None and fates[self.partition] == Fate.FAILING

    def like(self, other: Self) -> bool:
        """Whether both can train in one tensor program: the same arithmetic on the same inputs."""
        mine, theirs = self.task, other.task
        return mine is theirs or (mine.trains_as(theirs) and self._asked() == other._asked())

    def _asked(self) -> tuple[object, ...]:
        """What the arithmetic depends on: the numbers that clients share, and which records there are."""
        keys = sorted(self.config.keys() - set(asks.WHERE))
        shared = [(key, self.config[key]) for key in keys if key not in asks.OWN]
        return (
            *shared,
            *(key for key in keys if key in asks.OWN),
            *sorted(self.content.keys() - {asks.SECURE}),
        )
