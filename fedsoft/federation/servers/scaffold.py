"""SCAFFOLD's server, which keeps the variates of its clients too."""

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedsoft.federation import asks
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.records import to_record
from fedsoft.federation.servers.flat import flatten, views
from fedsoft.federation.servers.weighing import Combining


class Scaffold(Combining):
    """Algorithm 1 of Karimireddy et al. 2020, arXiv:1910.06378, option II, on P parameters in one row.

    Attributes:
        lr: the server's step.
        counts: (clients,) what each client counts in means.
        common: (P,) the server's variate, the weighted mean of all clients'; empty before the first round.
        variates: (P,) that of each client that ever took part, by its partition; the others' is 0.
        sent: (P,) the model that clients of the round start from; empty between rounds.
    """

    def __init__(self, lr: float, counts: np.ndarray, **options: float) -> None:
        super().__init__(**options)
        self.lr, self.counts = lr, counts
        self.common = self.sent = np.empty(0, dtype=np.float32)
        self.variates: dict[str, np.ndarray] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Flower's messages, each with what its client adds to every gradient: c - c_k."""
        assert isinstance(grid, CohortGrid)
        self.sent = flatten(arrays)
        if not self.common.size:
            self.common = np.zeros_like(self.sent)
        messages = list(super().configure_train(server_round, arrays, config, grid))
        for message in messages:
            variate = self.variates.get(str(grid.partition_of(message.metadata.dst_node_id)))
            correction = self.common if variate is None else self.common - variate
            asks.attach(message, asks.CORRECTION, views(correction, arrays))
        return messages

    def combine(self, replies: Sequence[Message]) -> ArrayRecord:
        """The mean of the models, weighted as Flower's; and new variates of those who took part."""
        partitions = asks.partitions(replies)
        records = [reply.content["arrays"] for reply in replies]
        models = [flatten(record) for record in records]
        distances = [float(asks.told(reply, "distance")[0]) for reply in replies]
        mean = weighted_mean(models, self.counts[partitions].tolist())
        self._learn(partitions, models, distances)
        if self.lr != 1:
            mean = self.sent + np.float32(self.lr) * (mean - self.sent)
        self.sent = np.empty(0, dtype=np.float32)
        return to_record(views(mean, records[0]))

    def _learn(
        self, partitions: Sequence[int], models: Sequence[np.ndarray], distances: Sequence[float]
    ) -> None:
        """c_k <- c_k - c + (x - y_k) / distance, and c by the weighted mean of these changes over all."""
        change, everybody = np.zeros_like(self.common), self.counts.sum()
        for partition, model, distance in zip(partitions, models, distances, strict=True):
            own = np.subtract(self.sent, model)
            own *= np.float32(1 / distance)
            own -= self.common
            change += own * np.float32(self.counts[partition] / everybody)
            if (before := self.variates.get(str(partition))) is not None:
                own += before
            self.variates[str(partition)] = own
        self.common = self.common + change


def weighted_mean(rows: Sequence[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """The mean of rows (P,), weighted, added up in the order and the precision of Flower's FedAvg."""
    total = sum(counts)
    mean: np.ndarray = rows[0] * (counts[0] / total)
    for row, count in zip(rows[1:], counts[1:], strict=True):
        mean += row * (count / total)
    return mean
