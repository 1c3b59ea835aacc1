"""Krippendorff's alpha for nominal answers: agreement beyond what the classes' frequencies give by chance."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with its 95 % interval.

    Attributes:
        alpha: 1 for perfect agreement, 0 for that of chance, less where people avoid each other's answers;
            NaN where nobody can be compared or all answers are of one class.
        low: lower end, NaN where it cannot be told.
        high: upper end.
        people: whether the interval speaks of other people too, not of other items alone.
    """

    alpha: float
    low: float
    high: float
    people: bool


def krippendorff_alpha(votes: np.ndarray) -> float:
    """Alpha from counts (N, C); items with fewer than two answers count for nothing.

    alpha = 1 - (n - 1) D / E, where D sums (m^2 - sum of squared counts) / (m - 1) over items of m answers,
    E is n^2 less the sum of the classes' squared counts, and n counts the answers of these items
    (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C).
    """
    each = votes.sum(axis=1)
    return float(_alpha(_apart(votes, each).sum(), votes[each > 1].sum(axis=0).astype(float)))


def alpha_with_interval(
    votes: np.ndarray,
    item: np.ndarray | None = None,
    annotator: np.ndarray | None = None,
    label: np.ndarray | None = None,
) -> Alpha:
    """Alpha and its interval: over items, and over people too where it is known who answered what.

    Standard errors are jackknife ones of log(1 - alpha), which can take any value: leave out each item, each
    person, each answer; the variances of items and people add, less that of single answers, which is in both
    (two-way clustering: Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat. 29:238). Student's t has
    as many degrees of freedom as the fewer of the two, less one.

    Args:
        votes: (N, C) counts.
        item: (A,) item of each answer; the answers add up to the votes.
        annotator: (A,) who gave it, from 0 on.
        label: (A,) its class.
    """
    alpha = krippendorff_alpha(votes)
    by_people = item is not None and annotator is not None and label is not None
    if math.isnan(alpha) or alpha == 1.0:
        return Alpha(alpha, math.nan, math.nan, by_people)
    each = votes.sum(axis=1)
    apart, total = _apart(votes, each), np.where(each[:, np.newaxis] > 1, votes, 0)
    whole, classes = apart.sum(), total.sum(axis=0).astype(float)
    paired = each > 1
    variance, units = _jackknife(whole - apart[paired], classes - total[paired]), int(paired.sum())
    if item is not None and annotator is not None and label is not None:
        lost, gone = _without_answers(votes, each, item, label)
        answers = _jackknife(whole - lost, classes - gone)
        lost_by = np.bincount(annotator, lost)
        gone_by = np.stack([np.bincount(annotator, column) for column in gone.T], axis=1)
        met = np.bincount(annotator, each[item] > 1) > 0
        people = _jackknife(whole - lost_by[met], classes - gone_by[met])
        variance = max(variance, people, variance + people - answers)
        units = min(units, int(met.sum()))
    if units < 2 or math.isnan(variance):
        return Alpha(alpha, math.nan, math.nan, by_people)
    factor = math.exp(float(-stdtrit(units - 1, 0.025)) * math.sqrt(variance))
    return Alpha(alpha, 1 - (1 - alpha) * factor, 1 - (1 - alpha) / factor, by_people)


def _apart(votes: np.ndarray, each: np.ndarray) -> np.ndarray:
    """(N,) D of each item; 0 without two answers."""
    apart: np.ndarray = (each**2 - (votes**2).sum(axis=1)) / np.maximum(each - 1, 1)
    return apart


def _alpha(apart: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Alpha from the sum of D (...) and counts (..., C) of classes."""
    count = classes.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha: np.ndarray = 1 - (count - 1) * apart / (count**2 - (classes**2).sum(axis=-1))
    return alpha


def _jackknife(apart: np.ndarray, classes: np.ndarray) -> float:
    """Variance of log(1 - alpha) from its values with each of some units left out."""
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.log(1 - _alpha(apart, classes))
    left = left[np.isfinite(left)]
    if len(left) < 2:
        return math.nan
    return float((len(left) - 1) * left.var())


def _without_answers(
    votes: np.ndarray, each: np.ndarray, item: np.ndarray, label: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What leaves the sum of D (A,) and the counts of classes (A, C) with each single answer.

    An item of two answers leaves with either.
    """
    mine, count = votes[item], each[item]
    same = mine[np.arange(len(item)), label]
    squares = (mine**2).sum(axis=1)
    after = ((count - 1) ** 2 - (squares - 2 * same + 1)) / np.maximum(count - 2, 1)
    before = (count**2 - squares) / np.maximum(count - 1, 1)
    gone = np.zeros_like(mine, dtype=float)
    gone[np.arange(len(item)), label] = 1.0
    gone[count == 2] = mine[count == 2]
    gone[count < 2] = 0.0
    return np.where(count > 2, before - after, before), gone
