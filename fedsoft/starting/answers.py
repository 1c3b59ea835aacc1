"""What the answers to those items say on which clients may train."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fedsoft.datasets import AnnotatedDataset

PAIRS = 5
"""So many items with two votes are in some client's training part, whichever fold is tested."""


@dataclass(frozen=True)
class Trainable:
    """The part of a dataset that may be trained on.

    Attributes:
        data: all of it.
        rows: (M,) the rows that are not for testing only.
    """

    data: AnnotatedDataset

    @cached_property
    def rows(self) -> np.ndarray:
        """(M,) the rows that are not for testing only."""
        held_out = self.data.held_out
        return np.arange(len(self.data)) if held_out is None else np.flatnonzero(~held_out)

    @cached_property
    def votes(self) -> np.ndarray:
        """(V, C) the votes on those of them that have some."""
        if self.data.votes is None:
            return np.zeros((0, self.data.classes))
        votes = self.data.votes[self.rows]
        return votes[votes.sum(axis=1) > 0]

    @cached_property
    def totals(self) -> np.ndarray:
        """(V,) how many votes those have."""
        totals: np.ndarray = np.round(self.votes.sum(axis=1)).astype(int)
        return totals

    @property
    def spread_known(self) -> bool:
        """Whether items of every label tell how far people differ on one: several have two votes, or all do.

        Where labels are the votes' own majority, or some stand in for one, it is asked of all together.
        """
        pairs = self.totals > 1
        if self.data.labels_are_majority or self.data.labelled is not None:
            return int(pairs.sum()) >= PAIRS or bool(pairs.all())
        labels = self.data.labels[self.rows][self.data.voted[self.rows]]
        each = [pairs[labels == label] for label in np.unique(labels)]
        return all(int(some.sum()) >= PAIRS or bool(some.all()) for some in each)

    @property
    def agreed(self) -> bool:
        """Whether all votes on each item are for its own label, so that they say nothing beside it."""
        unanimous = bool((self.votes.max(axis=1) > self.votes.sum(axis=1) - 1e-9).all())
        return unanimous and self.data.labels_are_majority

    @cached_property
    def given(self) -> np.ndarray:
        """(P,) how many answers each person gave, the most first; empty where that is not known."""
        if self.data.annotations is None:
            return np.zeros(0, dtype=int)
        known = self.data.annotations.of_items(self.rows)
        given = np.sort(np.bincount(known.annotator))[::-1]
        return given[given > 0]

    @property
    def usual(self) -> int:
        """Half of the answers are of people who gave so many or more; 0 where people are not known."""
        if not len(self.given):
            return 0
        return int(self.given[np.searchsorted(self.given.cumsum(), self.given.sum() / 2)])
