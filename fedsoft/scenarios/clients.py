"""Clients as views: which rows of the dataset each one holds."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Clients:
    """Rows of a dataset dealt to K clients, who may share some; nothing but indices is kept.

    Attributes:
        rows: (M,) dataset rows, grouped by client, ascending within a client.
        offsets: (K + 1,) client k holds ``rows[offsets[k]:offsets[k + 1]]``.
    """

    rows: np.ndarray
    offsets: np.ndarray

    @classmethod
    def deal(cls, rows: np.ndarray, owner: np.ndarray, clients: int) -> Self:
        """Group rows (M,) by their owner (M,), a client number below ``clients``."""
        order = np.lexsort((rows, owner))
        counts = np.bincount(owner, minlength=clients)
        return cls(rows[order], np.concatenate([[0], np.cumsum(counts)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of examples of each client."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> np.ndarray:
        """(M,) client of each entry of ``rows``."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def span(self, client: int) -> slice:
        """Where the entries of a client stand in ``rows``."""
        return slice(self.offsets[client], self.offsets[client + 1])

    def of(self, client: int) -> np.ndarray:
        """The dataset rows that a client holds: a view."""
        return self.rows[self.span(client)]

    def keep(self, mask: np.ndarray) -> Self:
        """Only the entries where mask (M,) is true; clients keep their numbers."""
        return type(self).deal(self.rows[mask], self.owner[mask], len(self))

    def pooled(self) -> Self:
        """The same examples, all held by one client."""
        return type(self).deal(self.rows, np.zeros_like(self.rows), 1)
