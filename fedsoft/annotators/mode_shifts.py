"""Mode shifts: how often people's choice is not the label, and how much of that few votes make up."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ModeShifts:
    """Rates over images, in [0, 1].

    Attributes:
        votes: mean number of votes an image.
        observed: the votes' mode differs from the label.
        flipped: the mode of so many drawn votes differs from that of the distribution they are drawn from.
        added: mode shifts that drawing so many votes makes, less those that it hides.
    """

    votes: float
    observed: float
    flipped: float
    added: float

    @property
    def beyond(self) -> float:
        """Mode shifts in excess of what sampling adds; below zero by chance alone."""
        return self.observed - self.added


def mode_shift_rate(votes: np.ndarray, labels: np.ndarray) -> float:
    """Share of images (N,) whose most frequent vote is not the label; k tied classes count 1 / k each."""
    tied = votes == votes.max(axis=1, keepdims=True)
    return 1 - float((tied[np.arange(len(labels)), labels] / tied.sum(axis=1)).mean())


def mode_shifts(
    votes: np.ndarray, labels: np.ndarray, truth: np.ndarray | None, rng: np.random.Generator
) -> ModeShifts:
    """The observed rate of mode shifts, and what sampling makes of it.

    Args:
        votes: (N, C) counts, at least one an image.
        labels: (N,) class indices.
        truth: (S, N, C) distributions that the votes may have been drawn from, such as S draws from their
            posterior; without them nothing is known of the noise, which is NaN.
        rng: draws as many votes again as there are, once from each of the S.
    """
    counts = votes.sum(axis=1)
    flipped, added = [], []
    for distributions in () if truth is None else truth:
        drawn = rng.multinomial(counts, distributions / distributions.sum(axis=1, keepdims=True))
        mode = distributions.argmax(axis=1)
        flipped.append(mode_shift_rate(drawn, mode))
        added.append(mode_shift_rate(drawn, labels) - float((mode != labels).mean()))
    return ModeShifts(
        votes=float(counts.mean()),
        observed=mode_shift_rate(votes, labels),
        flipped=float(np.mean(flipped)) if flipped else math.nan,
        added=float(np.mean(added)) if added else math.nan,
    )
