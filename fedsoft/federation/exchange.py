"""What a run waits for in a round, and the error of a round that cannot be done."""

from dataclasses import dataclass

from flwr.app import Message, MessageType

from fedsoft.errors import EngineError
from fedsoft.federation.grids import CohortGrid


class RoundError(EngineError):
    """A round of one run cannot be done; other runs are none the worse for it.

    Attributes:
        number: the round.
        client: the partition at fault; None where it is nobody's, or not known.
        detail: the traceback, as far as there is one.
        untouched: whether the strategy is as it was before the round, so that the run can try it again.
    """

    def __init__(
        self, message: str, number: int, client: int | None = None, detail: str = "", untouched: bool = False
    ) -> None:
        super().__init__(message)
        self.number, self.client, self.detail, self.untouched = number, client, detail, untouched


@dataclass(frozen=True)
class Exchange:
    """What a run waits for in a round: the replies of its grid's partitions to its messages."""

    grid: CohortGrid
    partitions: list[int]
    messages: list[Message]

    @property
    def trains(self) -> bool:
        """Whether clients are asked to train."""
        return any(message.metadata.message_type == MessageType.TRAIN for message in self.messages)

    def alone(self, timeout: float = 3600.0) -> list[Message]:
        """The replies, by the grid's own means, within some seconds."""
        return self.grid.exchange(self.partitions, self.messages, timeout)
