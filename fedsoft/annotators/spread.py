"""How far people differ, beside how far they would if it were left to chance who gave which answer."""

from dataclasses import dataclass

import numpy as np

from fedsoft.annotators.beside import Beside

ENOUGH = 20
"""Answers from which on a person's own shares are looked at."""
DRAWS = 40


@dataclass(frozen=True)
class Spread:
    """A share's range over people: its 10th to 90th percentile.

    Attributes:
        low: 10th percentile over people.
        high: 90th percentile.
        chance_low: the same were people alike, given the items that each saw.
        chance_high: likewise.
        beyond: whether the range is wider than in each of the crowds of people who are alike.
    """

    low: float
    high: float
    chance_low: float
    chance_high: float
    beyond: bool

    @property
    def excess(self) -> float:
        """How much wider the range is than it would be by chance."""
        return (self.high - self.low) - (self.chance_high - self.chance_low)


@dataclass(frozen=True)
class Differences:
    """What people with `ENOUGH` answers differ in.

    Attributes:
        people: how many these are.
        agreement: how often they agree with others; None where nobody can.
        says: how often they say each of C classes.
    """

    people: int
    agreement: Spread | None
    says: list[Spread]


def differences(
    item: np.ndarray,
    annotator: np.ndarray,
    label: np.ndarray,
    people: int,
    classes: int,
    rng: np.random.Generator,
) -> Differences | None:
    """The spread between people, and that between people who are alike.

    People who are alike are made by dealing each item's answers anew among those who answered it: everybody
    keeps the items and their number, and so the spread that these explain.

    Args:
        item: (A,) index of the item answered.
        annotator: (A,) who answered it, from 0 to R - 1.
        label: (A,) the class answered.
        people: R.
        classes: C.
        rng: deals the answers, `DRAWS` times.

    Returns:
        None where fewer than two people gave `ENOUGH` answers.
    """
    enough = np.bincount(annotator, minlength=people) >= ENOUGH
    if enough.sum() < 2:
        return None
    beside = Beside.of(item, label, classes)
    agreement, met = beside.agreement, beside.others > 0
    sorted_by_item = np.argsort(item, kind="stable")

    def shares(order: np.ndarray) -> np.ndarray:
        """(K, 1 + C) each person's agreement and share of each class when answers are dealt in this order."""
        dealt, agrees = np.empty_like(label), np.empty(len(label))
        dealt[sorted_by_item], agrees[sorted_by_item] = label[order], agreement[order]
        said = np.bincount(annotator * classes + dealt, minlength=people * classes).reshape(people, classes)
        with np.errstate(invalid="ignore", divide="ignore"):
            near = np.bincount(annotator, agrees * met, people) / np.bincount(annotator, met, people)
            found: np.ndarray = np.column_stack([near, said / said.sum(axis=1, keepdims=True)])[enough]
        return found

    real = _range(shares(sorted_by_item))
    alike = np.stack([_range(shares(np.argsort(item + rng.random(len(item)) / 2))) for _ in range(DRAWS)])
    widths, width = alike[:, 1] - alike[:, 0], real[1] - real[0]
    spreads = [
        Spread(low, high, chance_low, chance_high, wider)
        for low, high, chance_low, chance_high, wider in zip(
            *real.tolist(), *alike.mean(axis=0).tolist(), (width > widths).all(axis=0).tolist(), strict=True
        )
    ]
    return Differences(int(enough.sum()), spreads[0] if met.any() else None, spreads[1:])


def _range(table: np.ndarray) -> np.ndarray:
    """(2, K) the 10th and the 90th percentile of each column, over those in which there is something."""
    known = ~np.isnan(table).any(axis=1)
    if not known.any():
        return np.full((2, table.shape[1]), np.nan)
    ends: np.ndarray = np.quantile(table[known], [0.1, 0.9], axis=0)
    return ends
