"""The server of the FedSIR-style strategy: who mixes classes up is found, taught, and weighs less."""

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedsoft.federation import asks
from fedsoft.federation.servers.mixture import upper_group
from fedsoft.federation.servers.weighing import Weighing, blended, examples_of, telling
from fedsoft.federation.strategies.options import WHOLE_COHORT

EVEN = 0.5
"""Probability of being noisy from which a client is taken to be."""


class FedSir(Weighing):
    """A mean in which noisy clients weigh less, the further they are from clean ones.

    Attributes:
        share: of the global model's predictions in the targets of noisy clients.
        memory: share of a client's probability that is kept when it is seen again.
        noisy: (clients,) probability of being noisy; 0 until a client is seen.
    """

    def __init__(self, clients: int, share: float, memory: float) -> None:
        super().__init__(**WHOLE_COHORT)
        self.share, self.memory = share, memory
        self.noisy = np.zeros(clients)

    def quality_found(self) -> np.ndarray:
        """Probabilities of being clean."""
        return 1 - self.noisy

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Flower's messages; those to noisy clients have them learn from the global model too."""
        config[asks.REPORT] = "overlap"
        messages = super().configure_train(server_round, arrays, config, grid)
        return list(telling(messages, grid, asks.ANCHOR, np.where(self.noisy >= EVEN, self.share, 0.0)))

    def weigh(self, replies: Sequence[Message]) -> np.ndarray:
        """Examples, times e to the minus distance for noisy clients, with what the replies tell of them."""
        partitions = asks.partitions(replies)
        found = noisy_among(np.stack([asks.told(reply, "overlap") for reply in replies]))
        self.noisy = blended(self.noisy, partitions, found, self.memory)
        far = distances([reply.content["arrays"] for reply in replies], self.noisy[partitions] >= EVEN)
        weights: np.ndarray = examples_of(replies) * np.exp(-far)
        return weights


def noisy_among(overlaps: np.ndarray) -> np.ndarray:
    """Probabilities (K,) that clients are noisy: those whose classes overlap like those of a higher group.

    Args:
        overlaps: (K, 2) sums over pairs of classes, and numbers of pairs; a client without any is not noisy.
    """
    known = overlaps[:, 1] > 0
    noisy = np.zeros(len(overlaps))
    noisy[known] = upper_group(overlaps[known, 0] / overlaps[known, 1])
    return noisy


def distances(models: Sequence[ArrayRecord], noisy: np.ndarray) -> np.ndarray:
    """Distances (K,) of noisy models to the nearest clean one, as shares of the largest; 0 for clean models.

    The distance of two models is the sum of the Euclidean distances of their arrays.
    """
    far = np.zeros(len(models))
    if not noisy.any() or noisy.all():
        return far
    apart = np.zeros((noisy.sum(), (~noisy).sum()))
    for name, first in models[0].items():
        rows = np.stack([(model[name].numpy() - first.numpy()).ravel() for model in models]).astype(float)
        here, there = rows[noisy], rows[~noisy]
        squares = (here**2).sum(1)[:, None] + (there**2).sum(1) - 2 * here @ there.T
        apart += np.sqrt(squares.clip(0))
    nearest = apart.min(axis=1)
    far[noisy] = nearest / max(nearest.max(), np.finfo(float).tiny)
    return far
