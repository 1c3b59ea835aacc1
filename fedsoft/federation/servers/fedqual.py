"""The server of the FedQual-style strategy: who fits the global model badly is anchored, and weighs less."""

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedsoft.federation import asks
from fedsoft.federation.servers.weighing import Weighing, blended, examples_of, telling
from fedsoft.federation.strategies.options import WHOLE_COHORT


class FedQual(Weighing):
    """A mean weighted by examples times quality, and an anchor for those of low quality.

    Attributes:
        lambda_max: weight of the anchor beside targets of quality 0.
        memory: share of a client's quality that is kept when it is seen again.
        quality: (clients,) in [0, 1]; 1 until a client is seen.
    """

    def __init__(self, clients: int, lambda_max: float, memory: float) -> None:
        super().__init__(**WHOLE_COHORT)
        self.lambda_max, self.memory = lambda_max, memory
        self.quality = np.ones(clients)

    def quality_found(self) -> np.ndarray:
        """As it is."""
        return self.quality

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Flower's messages, each with its client's share of the anchor, λ / (1 + λ)."""
        config[asks.REPORT] = "misfit"
        pull = self.lambda_max * (1 - self.quality)
        messages = super().configure_train(server_round, arrays, config, grid)
        return list(telling(messages, grid, asks.ANCHOR, pull / (1 + pull)))

    def weigh(self, replies: Sequence[Message]) -> np.ndarray:
        """Examples times quality, with what the replies tell of it."""
        examples, partitions = examples_of(replies), asks.partitions(replies)
        found = relative_quality(np.stack([asks.told(reply, "misfit") for reply in replies]), examples)
        self.quality = blended(self.quality, partitions, found, self.memory)
        weights: np.ndarray = examples * self.quality[partitions]
        return weights


def relative_quality(misfit: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Qualities (K,) in (0, 1] of the targets of a cohort.

    A client's excess is its model's mean cross-entropy less what the targets' own entropy explains, that is
    the mean Kullback-Leibler divergence from targets to predictions, in nats. Its quality is the cohort's
    median excess over its own, 1 at most: half of the cohort has quality 1, and twice the median has a half.

    Args:
        misfit: (K, 2) sums over examples of the cross-entropy and of the entropy of targets.
        examples: (K,) how many.
    """
    smallest = np.finfo(float).tiny
    excess = np.maximum((misfit[:, 0] - misfit[:, 1]) / examples, smallest)
    return np.minimum(1.0, np.median(excess) / excess)
