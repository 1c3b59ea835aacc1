"""The base of simulated crowds: who answers which items of a client, each client by its own streams."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from fedsoft.annotators.crowds.sight import Sight, sight_of
from fedsoft.datasets import AnnotatedDataset, Annotations
from fedsoft.datasets.answered import count
from fedsoft.registry import Options, Registry

AT_ONCE = 2_000_000
"""Numbers held at a time, whatever the number of answers."""

OfClient = Callable[[str, int], np.random.Generator]
"""Gives the generator for a purpose and a client."""


@dataclass(frozen=True)
class Asked:
    """Answers that are wanted: A of them, by R people of K clients.

    Attributes:
        row: (A,) the dataset row that is shown.
        client: (A,) the place, from 0, of the client that asks.
        person: (A,) who is asked, from 0 to R - 1; those of the first client come first.
        chance: (A, U) uniform draws in [0, 1) that decide the answer.
        traits: (R, T) uniform draws in [0, 1) that made the people.
    """

    row: np.ndarray
    client: np.ndarray
    person: np.ndarray
    chance: np.ndarray
    traits: np.ndarray


@dataclass(frozen=True)
class Said:
    """What a crowd answered.

    Attributes:
        votes: (n, C) int64 counts, or float64 sums of answers that are distributions.
        answers: who answered what, items being the n places; None where answers are distributions.
    """

    votes: np.ndarray
    answers: Annotations | None


class SimulatedCrowd(Options):
    """Simulated people who answer the items of a client, each with traits that stay.

    Every client has people of its own. They depend on the seed and the client's number, and on no other
    client: neither on the number of clients nor on who else is in the party.
    """

    people: int = Field(
        5,
        ge=1,
        le=1000,
        description="people a client, all of whom answer each item unless `votes` says fewer",
    )

    @classmethod
    def looks(cls, data: AnnotatedDataset) -> Sight:
        """What such a crowd has to know of a dataset; the same for all runs."""
        return sight_of(data)

    @abstractmethod
    def draws(self, classes: int) -> tuple[int, int]:
        """How many uniform draws make a person, and how many an answer."""

    @abstractmethod
    def said(self, sight: Sight, asked: Asked) -> np.ndarray:
        """(A,) classes answered, or (A, C) distributions."""

    def collect(
        self, sight: Sight, rows: np.ndarray, owner: np.ndarray, votes: int | None, stream: OfClient
    ) -> Said:
        """Answers to the items of some clients.

        Args:
            sight: what there is to see, of `looks`.
            rows: (n,) dataset rows of the items.
            owner: (n,) client of each, ascending.
            votes: answers an item, each by another person who is chosen at random; None for everybody's.
            stream: gives the generator for a purpose and a client.

        Returns:
            no answers to items of which nothing is known.
        """
        classes, each = sight.seen.shape[1], votes or self.people
        clients, sizes = np.unique(owner, return_counts=True)
        to_make, to_answer = self.draws(classes)
        traits = np.concatenate(
            [stream("people", k).random((self.people, to_make)) for k in clients.tolist()]
        )
        chance = np.concatenate(
            [
                stream("people's answers", k).random((size, each, to_answer))
                for k, size in zip(clients.tolist(), sizes.tolist(), strict=True)
            ]
        )
        who = np.broadcast_to(np.arange(self.people), (len(rows), self.people))
        if each < self.people:
            keys = [
                stream("who answers", k).random((size, self.people))
                for k, size in zip(clients.tolist(), sizes.tolist(), strict=True)
            ]
            who = np.sort(np.argpartition(np.concatenate(keys), each - 1, axis=1)[:, :each], axis=1)
        place = np.repeat(np.arange(len(clients)), sizes)
        known = np.repeat(sight.seen[rows].any(axis=1), each)
        item = np.repeat(np.arange(len(rows)), each)[known]
        asked = Asked(
            rows[item],
            place[item],
            (place[:, np.newaxis] * self.people + who).ravel()[known],
            chance.reshape(-1, to_answer)[known],
            traits,
        )
        said = self.said(sight, asked)
        if said.ndim == 2:
            return Said(summed(said, np.arange(len(said)), item, len(rows)), None)
        names = [f"person {one} of client {k}" for k in clients.tolist() for one in range(self.people)]
        answers = Annotations(item, asked.person, said, np.array(names))
        return Said(count(item, said, len(rows), classes), answers)


CROWDS = Registry("crowd", SimulatedCrowd)  # type: ignore[type-abstract]


def drawn(prob: np.ndarray, row: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """(A,) classes drawn from rows (A,) of a table of probabilities (N, C), by uniform draws (A,)."""
    below = np.cumsum(prob, axis=1)[:, :-1]
    found = np.empty(len(row), dtype=np.int64)
    step = max(1, AT_ONCE // prob.shape[1])
    for start in range(0, len(row), step):
        some = slice(start, start + step)
        found[some] = (below[row[some]] <= chance[some, np.newaxis]).sum(axis=1)
    return found


def summed(values: np.ndarray, row: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """(groups, C) sums over the rows (A,) of a table (N, C), by group (A,)."""
    columns = [np.bincount(group, values[row, c], groups) for c in range(values.shape[1])]
    return np.stack(columns, axis=1)
