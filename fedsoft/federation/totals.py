"""A round's updates, summed: all that a server of means has to see of its clients."""

from dataclasses import dataclass

import numpy as np
from flwr.app import ArrayRecord, Message, MessageType, MetricRecord

from fedsoft.federation.records import RecordDict, to_record
from fedsoft.federation.servers.flat import views


@dataclass(frozen=True)
class Total:
    """The sum of clients' updates, each by its weight.

    Attributes:
        updates: (P,) sum of weighted updates: client model less global model, flattened.
        weight: sum of weights, or what stands for it; positive.
        loss: sum of weighted training losses.
        clients: how many are in it.
    """

    updates: np.ndarray
    weight: float
    loss: float
    clients: int

    def as_reply(self, start: ArrayRecord) -> Message:
        """The reply of one client that stands for all: the global model and their mean update.

        Whatever a strategy of means makes of it, it makes of the mean alone.

        Args:
            start: the global model that they started from, in the updates' order.
        """
        mean = self.updates / self.weight
        model = {
            name: (start[name].numpy() + part).astype(np.float32) for name, part in views(mean, start).items()
        }
        metrics = MetricRecord({"num-examples": 1, "train-loss": self.loss / self.weight})
        content = RecordDict({"arrays": to_record(model), "metrics": metrics})
        return Message(content, 1, MessageType.TRAIN)
