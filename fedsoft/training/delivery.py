"""Hard labels in place of soft ones, anew in every local epoch (Gheibi & Ghazizadeh, arXiv:2605.20642)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np


class Delivery(ABC):
    """A rule that gives examples one class each, epoch by epoch."""

    @abstractmethod
    def classes(self, rows: np.ndarray, epoch: int, rng: np.random.Generator) -> np.ndarray:
        """(n,) classes of rows (n,) of the table of targets in an epoch, counted from 0 over all rounds."""


@dataclass(frozen=True)
class Deliveries:
    """Which clients' targets are delivered by which rule.

    Attributes:
        rules: the rules.
        of_client: (clients,) place of each client's rule among them; -1 for clients who see targets whole.
    """

    rules: tuple[Delivery, ...]
    of_client: np.ndarray

    def of(self, client: int) -> Delivery | None:
        """A client's rule; None where it sees targets whole."""
        place = int(self.of_client[client])
        return None if place < 0 else self.rules[place]


@dataclass(frozen=True)
class Stochastic(Delivery):
    """Draws each class from the example's soft label p.

    The expected gradient at the logits is q - p, as with p itself; its covariance is Diag(p) - p pᵀ.

    Attributes:
        soft: (T, C) distributions, by row of the table of targets.
    """

    soft: np.ndarray

    def classes(self, rows: np.ndarray, epoch: int, rng: np.random.Generator) -> np.ndarray:
        """Independent draws; the epoch matters only by its generator."""
        below = self.soft[rows].cumsum(axis=1)
        drawn: np.ndarray = (below / below[:, -1:] <= rng.random(len(rows))[:, None]).sum(axis=1)
        return drawn


@dataclass(frozen=True)
class Multipass(Delivery):
    """Cycles through each example's votes, so that m epochs use each of its m votes once.

    Attributes:
        votes: the class of every vote, example by example.
        first: (T,) where the votes of each row of the table of targets begin.
        count: (T,) how many votes it has.
    """

    votes: np.ndarray
    first: np.ndarray
    count: np.ndarray

    @classmethod
    def shuffled(cls, votes: np.ndarray, rng: np.random.Generator) -> Self:
        """Votes as (N, C) counts, put in a random order once."""
        count = votes.sum(axis=1)
        example, of_class = np.divmod(np.repeat(np.arange(votes.size), votes.ravel()), votes.shape[1])
        order = np.lexsort((rng.random(len(example)), example))
        return cls(of_class[order], count.cumsum() - count, count)

    def classes(self, rows: np.ndarray, epoch: int, rng: np.random.Generator) -> np.ndarray:
        """Vote number ``epoch mod m`` of each example; nothing is drawn."""
        chosen: np.ndarray = self.votes[self.first[rows] + epoch % self.count[rows]]
        return chosen
