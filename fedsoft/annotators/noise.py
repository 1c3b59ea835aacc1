"""Annotators' slips: votes that do not say what the annotator saw."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from fedsoft.errors import DataError
from fedsoft.registry import Options, Registry


class AnnotatorNoise(Options):
    """What happens to a vote between eye and form."""

    @abstractmethod
    def moves(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Counts as given (N, C) and labels (N,) -> for each class, (N, C) what its votes become."""

    def apply(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(N, C) counts as given and the (N,) labels -> (N, C) int64 counts as written down, totals kept."""
        return moved(votes, self.moves(votes, labels, rng))


NOISES = Registry("annotator noise", AnnotatorNoise)  # type: ignore[type-abstract]

Rate = Annotated[float, Field(ge=0, le=1, description="probability that a vote slips to another class")]


@NOISES("none")
class NoNoise(AnnotatorNoise):
    """Votes are written down as they are."""

    def moves(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """None."""
        return iter(())


@NOISES("slips")
class Slips(AnnotatorNoise):
    """Each vote becomes, with probability `rate`, another class, all others being as likely."""

    rate: Rate

    def moves(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Slips to any other class."""
        return slips(votes, self.rate, uniform_others(votes.shape[1]), rng)


@NOISES("confusion")
class Confusion(AnnotatorNoise):
    """Each vote slips, with probability `rate`, to a class that people confuse with its own.

    Where to is drawn in proportion to `matrix`; without it, to the data's own confusion: the mean soft
    label of the images labelled as the vote's class. Votes for a class that is confused with no other, by
    `matrix` or in the data, never slip.
    """

    rate: Rate
    matrix: tuple[tuple[float, ...], ...] | None = Field(
        None,
        description="C rows of C weights: where votes for the row's class slip to, diagonal ignored; a row "
        "without others stays as it is",
    )

    @field_validator("matrix")
    @classmethod
    def _weights(cls, matrix: tuple[tuple[float, ...], ...] | None) -> tuple[tuple[float, ...], ...] | None:
        if matrix is not None:
            if any(len(row) != len(matrix) for row in matrix):
                raise ValueError(f"needs as many columns as rows ({len(matrix)})")
            if not all(0 <= weight < np.inf for row in matrix for weight in row):
                raise ValueError("weights must be finite and not negative")
        return matrix

    def moves(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Slips to confusable classes; DataError if `matrix` is for another number of classes."""
        weights = confusion(votes, labels) if self.matrix is None else np.array(self.matrix)
        if weights.shape != (votes.shape[1], votes.shape[1]):
            raise DataError(
                f"the confusion matrix is for {len(weights)} classes, but the votes have {votes.shape[1]}; "
                "give one row and one column a class."
            )
        return slips(votes, self.rate, destinations(weights), rng)


def confusion(votes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(C, C) the mean soft label of the images of each label; a row of zeros for a label without images."""
    totals = votes.sum(axis=1, keepdims=True)
    soft = votes / np.maximum(totals, 1)
    sums = np.zeros((votes.shape[1], votes.shape[1]))
    np.add.at(sums, labels, soft)
    return sums / np.maximum(np.bincount(labels, minlength=len(sums)), 1)[:, np.newaxis]


def uniform_others(classes: int) -> np.ndarray:
    """(C, C) rows of probabilities: every class but the row's own, evenly."""
    return (1 - np.eye(classes)) / (classes - 1)


def slip(
    votes: np.ndarray, rate: float | np.ndarray, destinations: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Move each vote, with some probability, to another class.

    Args:
        votes: (N, C) counts.
        rate: the probability in [0, 1], one for all or (N,) one an image.
        destinations: (C, C) where a vote of the row's class goes; rows sum to 1, and a vote may stay.
        rng: draws which votes move, and where to.

    Returns:
        (N, C) int64 counts; each row's total is kept.
    """
    return moved(votes, slips(votes, rate, destinations, rng))


def slips(
    votes: np.ndarray, rate: float | np.ndarray, destinations: np.ndarray, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """For each class (N, C) how many of its votes become which; arguments are those of `slip`."""
    moving = rng.binomial(votes, np.reshape(rate, (-1, 1)))
    for c in range(votes.shape[1]):
        yield rng.multinomial(moving[:, c], destinations[c])


def moved(votes: np.ndarray, moves: Iterable[np.ndarray]) -> np.ndarray:
    """(N, C) counts after moves."""
    arrived = votes.copy()
    for c, to in enumerate(moves):
        arrived[:, c] -= to.sum(axis=1)
        arrived += to
    return arrived


def destinations(weights: np.ndarray) -> np.ndarray:
    """(C, C) weights without their diagonal as probabilities; rows of zeros stay where they are."""
    others = weights * (1 - np.eye(len(weights)))
    totals = others.sum(axis=1, keepdims=True)
    return np.where(totals > 0, others / np.where(totals > 0, totals, 1), np.eye(len(weights)))
