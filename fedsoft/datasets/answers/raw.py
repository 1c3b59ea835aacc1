"""Answers as a file has them, before anything is cleaned."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from fedsoft.plural import plural

Place = Literal["line", "entry"]


@dataclass(frozen=True)
class RawAnswers:
    """A answers, one entry each.

    Attributes:
        where: the file.
        place: what ``numbers`` count, in the user's words.
        items: the item that each answer is to.
        annotators: who gave each; None where the file does not say.
        classes: what each says.
        weights: (A,) the share of a soft answer, or how sure a person is; None where there are none.
        numbers: (A,) line of the file, where 1 is the header, or number of the entry, from 1.
        told: what was recognised, or was odd but usable, a sentence each.
        together: (A,) a number that entries of one answer share, where the file says which belong together;
            None where this follows from items and people.
        column: the column that classes were read from; None in an export of a tool.
        matched: whether items are spelt as the data spell theirs, and stay so.
    """

    where: str
    place: Place
    items: list[str]
    annotators: list[str] | None
    classes: list[str]
    weights: np.ndarray | None
    numbers: np.ndarray
    told: tuple[str, ...]
    together: np.ndarray | None = None
    matched: bool = False
    column: str | None = None


def name_of(where: str) -> str:
    """A file's own name, which opens the sentences on it."""
    return Path(where).name


@dataclass
class Gathered:
    """Answers of an export while it is read."""

    items: list[str] = field(default_factory=list)
    annotators: list[str | None] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    answers: int = 0

    def add(self, item: str, annotator: str | None, shares: dict[str, float], number: int) -> None:
        """One answer: one class, several with their shares, or (an empty one) none."""
        for name, share in (shares or {"": 1.0}).items():
            self.items.append(item)
            self.annotators.append(annotator)
            self.classes.append(name)
            self.weights.append(share)
            self.numbers.append(number)
            self.together.append(self.answers)
        self.answers += 1

    def choose(self, item: str, annotator: str | None, chosen: list[str], number: int) -> None:
        """One answer of equally many parts as classes were chosen."""
        names = list(dict.fromkeys(chosen))
        self.add(item, annotator, {name: 1 / len(names) for name in names}, number)

    def raw(self, where: str, place: Place = "entry") -> RawAnswers:
        """What was gathered, with a sentence on each kind that was skipped."""
        nobody = all(annotator is None for annotator in self.annotators)
        soft = any(weight != 1 for weight in self.weights)
        skipped = [
            f"{name_of(where)}: {plural(count, 'answer')} left out: {kind}."
            for kind, count in self.skipped.items()
        ]
        return RawAnswers(
            where=where,
            place=place,
            items=self.items,
            annotators=None if nobody else [annotator or "" for annotator in self.annotators],
            classes=self.classes,
            weights=np.array(self.weights) if soft else None,
            numbers=np.array(self.numbers, dtype=np.int64),
            told=(*self.told, *skipped),
            together=np.array(self.together, dtype=np.int64),
        )
