"""What a partition may know of the examples that it deals."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fedsoft.supervision.matching import entropy


@dataclass(frozen=True)
class Known:
    """What is known of N examples before anybody holds them.

    Attributes:
        labels: (N,) class indices.
        groups: (N,) natural group of each example, where there are any.
        difficulty: (N,) entropy of people's votes in nats, NaN where nobody voted; None without votes.
    """

    labels: np.ndarray
    groups: np.ndarray | None = None
    difficulty: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: np.ndarray) -> Self:
        """The same of some examples, by index or by mask."""
        return type(self)(
            self.labels[rows],
            None if self.groups is None else self.groups[rows],
            None if self.difficulty is None else self.difficulty[rows],
        )

    def of_people(self, person: np.ndarray) -> Self:
        """The same of people whose examples these are: the commonest label, any group, the mean difficulty.

        Args:
            person: (N,) numbers from 0, none of them left out.
        """
        _, first = np.unique(person, return_index=True)
        counts = np.zeros((len(first), self.labels.max() + 1), dtype=int)
        np.add.at(counts, (person, self.labels), 1)
        difficulty = self.difficulty
        if difficulty is not None:
            voted = ~np.isnan(difficulty)
            several = np.bincount(person[voted], minlength=len(first))
            total = np.bincount(person[voted], difficulty[voted], minlength=len(first))
            difficulty = np.divide(total, several, out=np.full(len(first), np.nan), where=several > 0)
        groups = None if self.groups is None else self.groups[first]
        return type(self)(counts.argmax(axis=1), groups, difficulty)


def difficulty_of(votes: np.ndarray) -> np.ndarray:
    """(N, C) votes -> (N,) their entropy in nats, from 0 (unanimous) to log C; NaN where there are none.

    Rounded to 12 decimals, so that votes such as (9, 1) and (1, 9) tie.
    """
    totals = votes.sum(axis=1, keepdims=True)
    shares = np.divide(votes, totals, out=np.zeros(votes.shape), where=totals > 0)
    return np.where(totals[:, 0] > 0, entropy(shares).round(12), np.nan)
