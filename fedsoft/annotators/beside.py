"""Every answer beside all answers to the same item, in memory proportional to what was answered."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Beside:
    """A answers to items, each by another person, and for each answer one entry a class that its item got.

    Attributes:
        label: (A,) the class answered.
        others: (A,) other answers to the item.
        same: (A,) how many of these are the same.
        entry_of: (E,) the answer of each entry, ascending.
        entry_class: (E,) its class.
        entry_count: (E,) the item's answers of that class, this answer among them.
    """

    label: np.ndarray
    others: np.ndarray
    same: np.ndarray
    entry_of: np.ndarray
    entry_class: np.ndarray
    entry_count: np.ndarray

    @classmethod
    def of(cls, item: np.ndarray, label: np.ndarray, classes: int) -> Self:
        """From the item (A,) and the class (A,) of each answer."""
        cells, own, count = np.unique(item * classes + label, return_inverse=True, return_counts=True)
        cell_item, cell_class = np.divmod(cells, classes)
        start = np.searchsorted(cell_item, item)
        length = np.searchsorted(cell_item, item, side="right") - start
        answer = np.repeat(np.arange(len(item)), length)
        place = np.arange(len(answer)) + np.repeat(start - (np.cumsum(length) - length), length)
        votes = np.bincount(answer, count[place], len(item)).astype(np.int64)
        return cls(label, votes - 1, count[own] - 1, answer, cell_class[place], count[place])

    @property
    def agreement(self) -> np.ndarray:
        """(A,) the share of the others' answers that are the same; 0 without others."""
        found: np.ndarray = self.same / np.maximum(self.others, 1)
        return found

    @property
    def among_others(self) -> np.ndarray:
        """(A,) how often two of the others agree; NaN where there are no two."""
        count = self.entry_count - (self.entry_class == self.label[self.entry_of])
        pairs = np.bincount(self.entry_of, count * (count - 1), len(self.label))
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = pairs / (self.others * (self.others - 1))
        return found

    def other_answers(self) -> tuple[np.ndarray, np.ndarray]:
        """(E,) the answer of each entry, and the share (E,) of its class among the others; 0 without any."""
        count = self.entry_count - (self.entry_class == self.label[self.entry_of])
        return self.entry_of, count / np.maximum(self.others, 1)[self.entry_of]

    def chances(self) -> np.ndarray:
        """(E,) how likely each class is if it is left to chance who gave which of an item's answers."""
        found: np.ndarray = self.entry_count / (self.others + 1)[self.entry_of]
        return found
