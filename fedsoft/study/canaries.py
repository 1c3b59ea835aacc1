"""Canaries of an audit: examples about which a coin decides what a run is told of them."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fedsoft.datasets import AnnotatedDataset
from fedsoft.datasets.answered import count
from fedsoft.errors import DataError
from fedsoft.scenarios import Clients
from fedsoft.study.protection import Protection
from fedsoft.supervision import Evidence

Fates = Literal["labels", "flipped", "members"]
"""What a coin decides of a canary: which of two labels it has; whether it takes part with a wrong label;
whether it takes part as it is."""
AS_IT_IS, ABSENT = -1, -2
"""In place of a class: the example keeps its answers; it takes no part."""
USUAL = 150
"""Canaries of a run at most, where nobody says how many: more of them crowd each other out of a model."""


@dataclass(frozen=True)
class Canaries:
    """M canaries with two fates each, between which a coin decides.

    A canary is an example, all examples of a client, or all answers of a person.

    Attributes:
        row: (R,) dataset rows, each of which one client holds; ascending, but where canaries are people.
        of: (R,) the canary that each row belongs to.
        heads: (R,) the class that all its answers name on heads; or `AS_IT_IS`, or `ABSENT`.
        tails: (R,) the same on tails.
        single: whether a canary's image has one answer, and no others in whose noise it would be lost.
        person: (R,) who gave the answers on each row that are meant; None for all that there are.
    """

    row: np.ndarray
    of: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    single: bool = False
    person: np.ndarray | None = None

    def __len__(self) -> int:
        return int(self.of.max()) + 1

    @property
    def by_label(self) -> bool:
        """Whether both fates are labels; else one is to take no part."""
        return bool((self.tails >= 0).all())

    def mean(self, of_rows: np.ndarray) -> np.ndarray:
        """(R,) numbers of rows -> (M,) their mean over each canary's."""
        return np.bincount(self.of, weights=of_rows) / np.bincount(self.of)


@dataclass(frozen=True)
class Planted:
    """What alters a run that is audited, and is no setting of it.

    Attributes:
        canaries: the canaries.
        coin: (M,) bool, heads: one coin each.
        protection: what protects training without canaries: how many examples and clients there are is known
            to all, and does not depend on coins.
    """

    canaries: Canaries
    coin: np.ndarray
    protection: Protection | None = None

    @property
    def fate(self) -> np.ndarray:
        """(R,) what becomes of each row: a class, `AS_IT_IS` or `ABSENT`."""
        canaries = self.canaries
        fate: np.ndarray = np.where(self.coin[canaries.of], canaries.heads, canaries.tails)
        return fate

    def take_part(self, train: Clients) -> Clients:
        """The training examples without those that the coins leave out."""
        absent = self.canaries.row[self.fate == ABSENT]
        return train.keep(~np.isin(train.rows, absent)) if len(absent) else train

    def tell(self, evidence: Evidence, rows: np.ndarray, in_the_clear: bool) -> Evidence:
        """What is known of examples (n,), given by their dataset rows, as the coins have it.

        A canary's label follows its answers where it is one of them or made of them, and wherever nothing is
        private. Nobody in particular gave its answers, so that it is not known who gave any, but where
        canaries are people.
        """
        if self.canaries.person is not None:
            return self._tell_people(evidence, self.canaries.person)
        place = np.searchsorted(rows_sorted := np.sort(rows), self.canaries.row)
        here = (place < len(rows)) & (rows_sorted[place.clip(max=len(rows) - 1)] == self.canaries.row)
        here &= self.fate >= 0
        if not here.any():
            return evidence
        where, told = np.argsort(rows)[place[here]], self.fate[here]
        labels, votes = evidence.labels.copy(), evidence.votes
        if votes is None or evidence.labels_are_majority or in_the_clear:
            labels[where] = told
        if votes is not None:
            votes = votes.copy()
            total = votes[where].sum(axis=1)
            votes[where] = 0
            votes[where, told] = np.minimum(total, 1) if self.canaries.single else total
        return replace(evidence, labels=labels, votes=votes, annotations=None, fewer=True)

    def _tell_people(self, evidence: Evidence, person: np.ndarray) -> Evidence:
        """The same where canaries are people, by what they answered."""
        given = evidence.annotations
        if given is None:
            return evidence
        people, first = np.unique(person, return_index=True)
        place = np.searchsorted(people, given.annotator).clip(max=len(people) - 1)
        label = np.where(people[place] == given.annotator, self.fate[first][place], given.label)
        votes = count(given.item, label, len(evidence), evidence.classes)
        return replace(evidence, annotations=replace(given, label=label), votes=votes)


def choose_canaries(
    dataset: AnnotatedDataset,
    train: Clients,
    wanted: int | None,
    rng: np.random.Generator,
    unit: str = "image",
    fates: Fates = "labels",
) -> Canaries:
    """Canaries among the examples that clients train on.

    Args:
        dataset: the data.
        train: who holds what.
        wanted: M; by default a quarter of the examples or half of clients or people, and `USUAL` at most.
        rng: chooses them, and the two classes between which a coin is to decide: none is the label, where
            there are more than two.
        unit: what a canary is: one "vote" or "image" (or "example"), or a "client" or "annotator" with all
            its examples or answers.
        fates: what the coin is to decide.

    Raises:
        DataError: there are fewer than are wanted.
    """
    rows, first, times = np.unique(train.rows, return_index=True, return_counts=True)
    rows, owner, person = rows[times == 1], train.owner[first][times == 1], None
    labels, name, of = dataset.labels[rows], dataset.noun, np.arange(len(rows))
    if unit == "client":
        of, name = np.unique(owner, return_inverse=True)[1], "clients"
    elif unit == "annotator" and dataset.annotations is not None:
        given = dataset.annotations.of_items(rows)
        person, rows, name = given.annotator, rows[given.item], "annotators"
        people, of = np.unique(person, return_inverse=True)
        labels = np.full(len(people), -1)
    there = int(of.max(initial=-1)) + 1
    number = min(USUAL, there // (4 if name == dataset.noun else 2)) if wanted is None else wanted
    if not 0 < number <= there:
        raise DataError(f"an audit wants {number:,} canaries, and there are {there:,} {name}; ask for fewer.")
    two = _two_classes(labels, dataset.classes, rng)
    two = two if person is None else two[of]  # a person's answers are all of one class
    chosen = np.sort(rng.choice(there, number, replace=False))
    kept = np.isin(of, chosen)
    heads, tails = two[kept].T
    if fates != "labels":
        tails = np.full(len(tails), ABSENT)
    if fates == "members":
        heads = np.full(len(heads), AS_IT_IS)
    return Canaries(
        rows[kept],
        np.searchsorted(chosen, of[kept]),
        heads,
        tails,
        single=unit == "vote",
        person=None if person is None else person[kept],
    )


def _two_classes(labels: np.ndarray, classes: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 2) two classes in random order, none of them the label (-1 for none) where there are others."""
    rank = rng.random((len(labels), classes))
    if classes > 2:
        rank[np.arange(len(labels))[labels >= 0], labels[labels >= 0]] = 2
    chosen: np.ndarray = rank.argsort(axis=1)[:, :2]
    return chosen
