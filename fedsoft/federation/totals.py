"""A cohort's updates, summed: all that a server of means has to see of its clients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import ArrayRecord, Message, MessageType, MetricRecord

from fedsoft.errors import EngineError
from fedsoft.federation.records import RecordDict, to_record
from fedsoft.federation.servers.flat import views


@dataclass(frozen=True)
class Total:
    """Sums over a round's clients.

    Attributes:
        updates: (P,) float64 sum of weighted updates: client model less global model, flattened.
        weight: sum of weights, or what stands for it.
        metrics: by name, the sum of weighted metrics.
        clients: how many are in it.
        examples: sum of their examples; 1 where these are not told.
    """

    updates: np.ndarray
    weight: float
    metrics: Mapping[str, float]
    clients: int
    examples: int = 1

    def as_reply(self, start: ArrayRecord) -> Message:
        """The reply of one client that stands for all: the global model and their mean update.

        Whatever a strategy of means makes of it, it makes of the mean alone.

        Args:
            start: the global model that they started from, in the updates' order.

        Raises:
            EngineError: the weights are 0 in sum.
        """
        if not self.weight > 0:
            raise EngineError("the clients whose updates arrived have weight 0 in sum, and no mean")
        mean = self.updates / self.weight
        model = {
            name: (start[name].numpy().astype(np.float64) + part).astype(np.float32)
            for name, part in views(mean, start).items()
        }
        metrics = MetricRecord({name: value / self.weight for name, value in self.metrics.items()})
        metrics["num-examples"] = self.examples
        content = RecordDict({"arrays": to_record(model), "metrics": metrics})
        return Message(content, 1, MessageType.TRAIN)
