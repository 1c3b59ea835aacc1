"""The answers that label mechanisms make private, and how many of them each unit of privacy gave."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError

Unit = Literal["vote", "image", "annotator", "client"]
"""What neighbouring inputs differ in: the classes named by one vote, by all votes on one example, by all
votes of one person, or by all that one client holds. How many votes there are, and whose, is public."""


@dataclass(frozen=True)
class Answers:
    """The answers that targets of N examples are made of, before noise.

    Attributes:
        votes: (N, C) counts, at least one vote an example.
        client: (N,) client that holds each example.
        annotations: who gave which of the votes, items being the N examples; None where that is not known.
        prior: (N, C) what a model that saw none of an example's answers predicts; NaN where there is none.
        whole: the answers of which these are some, and over all of which a unit's ε is split; None for all.

    Raises:
        DataError: an example has no vote.
        ValueError: the annotations are not those of the votes.
    """

    votes: np.ndarray
    client: np.ndarray
    annotations: Annotations | None = None
    prior: np.ndarray | None = None
    whole: "Answers | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.votes.any(axis=1).all():
            first = int(np.flatnonzero(~self.votes.any(axis=1))[0])
            raise DataError(f"image {first} has no vote to make private; leave images without votes out.")
        if self.annotations is not None:
            cell = self.annotations.item * self.votes.shape[1] + self.annotations.label
            if not np.array_equal(np.bincount(cell, minlength=self.votes.size), self.votes.ravel()):
                raise ValueError("annotations must be those that the votes count")

    def __len__(self) -> int:
        return len(self.votes)

    @property
    def total(self) -> np.ndarray:
        """(N,) votes of each example, taken as public."""
        total: np.ndarray = self.votes.sum(axis=1)
        return total

    def subset(self, rows: np.ndarray) -> Self:
        """Some of the examples (n,), whose units still share ε with what they gave to the others."""
        return replace(
            self,
            votes=self.votes[rows],
            client=self.client[rows],
            annotations=self.annotations and self.annotations.of_items(rows),
            prior=None if self.prior is None else self.prior[rows],
            whole=self.whole or self,
        )

    @property
    def units(self) -> list[Unit]:
        """The units that are known here, one vote first."""
        known: list[Unit] = ["vote", "image", "client"]
        return known if self.annotations is None else [*known[:2], "annotator", "client"]

    def shares(self, unit: Unit) -> "Shares":
        """How many answers each unit gave to each example.

        Raises:
            DataError: it is not known who answered.
        """
        every = np.arange(len(self))
        if unit == "vote":
            return Shares(every, every, np.ones_like(every))
        if unit == "image":
            return Shares(every, every, self.total)
        if unit == "client":
            return Shares(self.client, every, self.total)
        given = self.by_whom
        pairs, count = np.unique(given.annotator * len(self) + given.item, return_counts=True)
        return Shares(pairs // len(self), pairs % len(self), count)

    def reach(self, unit: Unit, power: Literal[1, 2]) -> np.ndarray:
        """(N,) of the units that answered an example, the largest Σ over all its examples of answers^power.

        So Σ over a unit's examples of (its answers)^power / reach is at most 1: what ε is split by.
        """
        mine, whole = self.shares(unit), self.whole or self
        if unit in ("vote", "image"):
            return mine.sums(np.ones(len(self)), power)
        sums = whole.shares(unit).sums(np.ones(len(whole)), power)
        most = np.zeros(len(self))
        np.maximum.at(most, mine.example, sums[mine.unit])
        return most

    @property
    def by_whom(self) -> Annotations:
        """The single answers.

        Raises:
            DataError: they are not known.
        """
        if self.annotations is None:
            raise DataError(
                'privacy.labels.unit = "annotator" needs to know who gave each answer, and here only counts '
                'of votes are known; choose "vote", "image" or "client".'
            )
        return self.annotations

    @cached_property
    def given(self) -> np.ndarray:
        """(R,) answers that each person gave in all.

        Raises:
            DataError: it is not known who answered.
        """
        return np.bincount((self.whole or self).by_whom.annotator)

    def one_by_one(self) -> "Answers":
        """(A,) single answers, each as an example of one vote, in the order of the annotations.

        Raises:
            DataError: it is not known who answered.
        """
        given = self.by_whom
        votes = np.zeros((len(given.label), self.votes.shape[1]), dtype=np.int64)
        votes[np.arange(len(votes)), given.label] = 1
        prior = None if self.prior is None else self.prior[given.item]
        return Answers(votes, self.client[given.item], prior=prior)


@dataclass(frozen=True)
class Shares:
    """Who has part in which examples.

    Attributes:
        unit: (P,) number of a unit of privacy.
        example: (P,) an example to which it gave answers.
        count: (P,) how many.
    """

    unit: np.ndarray
    example: np.ndarray
    count: np.ndarray

    def sums(self, of_example: np.ndarray, power: Literal[1, 2] = 1) -> np.ndarray:
        """(units,) Σ count^power × value (N,) over each unit's examples; 0 for numbers without any."""
        return np.bincount(self.unit, self.count**power * of_example[self.example])

    def present(self) -> np.ndarray:
        """(u,) numbers of the units that answered."""
        return np.unique(self.unit)
