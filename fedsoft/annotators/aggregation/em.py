"""Fixed points of EM, in few steps."""

import warnings
from collections.abc import Callable

import numpy as np

from fedsoft.errors import FedsoftWarning

MOST_PAIRS = 5000
"""Of steps of EM."""
TOLERANCE = 1e-8
"""Of a step, in any of its probabilities."""
LONGEST = 1e3
"""Steps that an extrapolation goes at most."""
SMALLEST = 1e-10
"""A probability of 0 in an annotator's answers would be a veto."""
SMOOTHING = 10.0
"""Answers that an annotator borrows from the crowd by default."""


def settle(
    start: np.ndarray, step: Callable[[np.ndarray], tuple[np.ndarray, float]], annotations: int
) -> tuple[np.ndarray, np.ndarray]:
    """The last two of the states that EM goes through until it moves no more.

    EM can take thousands of steps, so pairs of them are extrapolated (SQUAREM: Varadhan and Roland 2008,
    Scand. J. Statist. 35, 335, scheme S3); a leap that lowers the objective is undone.

    Args:
        start: (n, c) rows on the simplex, what is believed of each unobserved choice.
        step: gives the next state, and the objective (which steps do not lower) of the parameters between.
        annotations: how many are aggregated, for the warning where the steps do not end.
    """
    last = here = start
    before = -np.inf
    for _ in range(MOST_PAIRS):
        once, objective = step(here)
        if objective < before:
            here = last
            once, _ = step(here)
        last, before = step(once)
        if np.abs(last - once).max() <= TOLERANCE:
            break
        here = extrapolated(here, once, last)
    else:
        warnings.warn(
            f"aggregating {annotations} annotations by EM did not settle in {2 * MOST_PAIRS} steps "
            f"(the last moved a posterior by {np.abs(last - once).max():.1g}), so targets are not quite "
            "its limit; dawid_skene with more smoothing, or more answers a person, settle sooner.",
            FedsoftWarning,
            stacklevel=3,
        )
    return once, last


def extrapolated(begin: np.ndarray, once: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Where rows (n, c) on the simplex lead if they go on as in the last two steps."""
    first, bend = once - begin, twice - 2 * once + begin
    length = np.sqrt((first**2).sum() / max((bend**2).sum(), np.finfo(float).tiny))
    length = np.clip(length, 1.0, LONGEST)
    there = np.maximum(begin + 2 * length * first + length**2 * bend, 0.0)
    rows: np.ndarray = there / there.sum(axis=1, keepdims=True)
    return rows
