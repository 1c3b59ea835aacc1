"""A client, and what it is asked."""

from dataclasses import dataclass
from typing import Self

from flwr.app import ConfigRecord, Message, MessageType

from fedsoft.federation import asks
from fedsoft.federation.task import Task
from fedsoft.scenarios import Fate


@dataclass(frozen=True)
class Asked:
    """A client of a run, and the message that asks it to train, or to tell something."""

    task: Task
    partition: int
    message: Message

    @property
    def config(self) -> ConfigRecord:
        """What the server tells the client."""
        config: ConfigRecord = self.message.content["config"]
        return config

    @property
    def server_round(self) -> int:
        """The round."""
        return int(self.config["server-round"])

    @property
    def examples(self) -> int:
        """How many the client trains on."""
        return len(self.task.train.of(self.partition))

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
        return mine is theirs or (
            mine.inputs is theirs.inputs
            and mine.model == theirs.model
            and mine.training == theirs.training
            and mine.targets.shape[1] == theirs.targets.shape[1]
            and self.server_round == other.server_round
            and self._asked() == other._asked()
        )

    def _asked(self) -> tuple[object, ...]:
        """What the arithmetic depends on: the numbers that clients share, and which records there are."""
        keys = sorted(self.config.keys() - {"store", "run", "device"})
        shared = [(key, self.config[key]) for key in keys if key not in asks.OWN]
        return (
            *shared,
            *(key for key in keys if key in asks.OWN),
            *sorted(self.message.content.keys() - {asks.SECURE}),
        )
