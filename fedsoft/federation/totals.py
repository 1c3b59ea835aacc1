"""What a cohort's updates sum to, as the one reply that a strategy of means gets in their place."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import Message, MetricRecord

from fedsoft.errors import EngineError
from fedsoft.federation.records import RecordDict, to_record


@dataclass(frozen=True)
class Total:
    """Sums over a round's clients. Noise on the sum of updates is added to ``update``, before `as_reply`.

    Attributes:
        update: by parameter, the sum of weighted updates, float64.
        weight: the sum of weights.
        examples: the sum of examples.
        metrics: by name, the sum of weighted metrics.
    """

    update: Mapping[str, np.ndarray]
    weight: float
    examples: int
    metrics: Mapping[str, float]

    def as_reply(self, start: Mapping[str, np.ndarray], to: Message) -> Message:
        """The reply of one client that holds all examples: ``start`` plus the weighted mean of the updates.

        Raises:
            EngineError: the weights are 0 in sum.
        """
        if not self.weight > 0:
            raise EngineError("the clients whose updates arrived have weight 0 in sum, and no mean")
        arrays = {
            name: (array.astype(np.float64) + self.update[name] / self.weight).astype(np.float32)
            for name, array in start.items()
        }
        metrics = MetricRecord({name: value / self.weight for name, value in self.metrics.items()})
        metrics["num-examples"] = self.examples
        return Message(RecordDict({"arrays": to_record(arrays), "metrics": metrics}), reply_to=to)
