"""Means of models weighed by more than examples, and what each client is told for itself."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

from fedsoft.federation import asks
from fedsoft.federation.grids import CohortGrid


class Combining(FedAvg):
    """Flower's FedAvg with a mean of its own for models; metrics are weighted by examples, as they were."""

    @abstractmethod
    def combine(self, replies: Sequence[Message]) -> ArrayRecord:
        """The global model that replies make, at least one of them."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """The models as `combine` has them, and the mean of the metrics over examples."""
        valid, _ = self._check_and_log_replies(replies, is_train=True)
        if not valid:
            return None, None
        metrics = self.train_metrics_aggr_fn([reply.content for reply in valid], self.weighted_by_key)
        return self.combine(valid), metrics


class Weighing(Combining):
    """A mean of models with weights of its own."""

    def quality_found(self) -> np.ndarray | None:
        """(clients,) how good the strategy holds clients' annotation to be, higher is better; NaN where it
        does not know. None for a strategy that does not judge clients."""
        return None

    @abstractmethod
    def weigh(self, replies: Sequence[Message]) -> np.ndarray:
        """Weights (K,) of the models of replies, at least 0 and not all of them 0."""

    def combine(self, replies: Sequence[Message]) -> ArrayRecord:
        """The weighted mean of the models, Flower's."""
        weighed = [
            RecordDict({"arrays": reply.content["arrays"], "weight": MetricRecord({"weight": weight})})
            for reply, weight in zip(replies, self.weigh(replies).tolist(), strict=True)
        ]
        return aggregate_arrayrecords(weighed, "weight")


def examples_of(replies: Sequence[Message]) -> np.ndarray:
    """(K,) how many examples the clients trained on."""
    return np.array([asks.told(reply, "num-examples")[0] for reply in replies])


def telling(messages: Iterable[Message], grid: Grid, key: str, numbers: np.ndarray) -> Iterator[Message]:
    """Messages that tell each client a number of its own.

    Args:
        messages: to clients.
        grid: that of the run.
        key: of the config; see `asks.OWN`.
        numbers: (clients,).
    """
    if not isinstance(grid, CohortGrid):
        raise TypeError("clients are known by partition on fedsoft's grids alone")
    for message in messages:
        partition = grid.partition_of(message.metadata.dst_node_id)
        asks.tell(message, **{key: float(numbers[partition])})
        yield message


def blended(before: np.ndarray, partitions: Sequence[int], now: np.ndarray, memory: float) -> np.ndarray:
    """Running means (clients,) with news (K,) of some of them; the share ``memory`` of the old is kept."""
    after: np.ndarray = before.copy()
    after[partitions] = memory * before[partitions] + (1 - memory) * now
    return after
