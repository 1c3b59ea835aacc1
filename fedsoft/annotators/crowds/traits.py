"""What simulated people are like: traits drawn around stated means."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv


@dataclass(frozen=True)
class Traits:
    """R people.

    Attributes:
        skill: (R,) probability in [0, 1] that an answer given after a look is what was seen.
        laziness: (R,) probability that an answer is given without a look.
        bias: (R,) probability that an answer is the favourite class, whatever else it would have been.
        favourite: (R,) that class.
        confidence: (R,) exponent of the distributions that a person answers with.
        spams: (R,) whether a person never looks.
        turned: (R, C) what a person writes down for each class: itself, but for adversaries.
    """

    skill: np.ndarray
    laziness: np.ndarray
    bias: np.ndarray
    favourite: np.ndarray
    confidence: np.ndarray
    spams: np.ndarray
    turned: np.ndarray


def around(mean: float, spread: float, chance: np.ndarray) -> np.ndarray:
    """(R,) probabilities from a Beta distribution of this mean, by uniform draws (R,).

    Its standard deviation is ``spread`` times the largest that a mean allows, sqrt(mean (1 - mean)), so that
    0 makes people alike and near 1 they are all or nothing. At another mean or spread the same draws give
    people in the same order.
    """
    if spread == 0 or mean in (0, 1):
        return np.full(len(chance), float(mean))
    size = 1 / spread**2 - 1
    found: np.ndarray = betaincinv(mean * size, (1 - mean) * size, chance)
    return found


def some_of(share: float, people: int, chance: np.ndarray) -> np.ndarray:
    """(K,) how many of a client's people make up a share of them, by uniform draws (K,).

    Where that is no whole number, it is rounded up or down at random, so that it is met on average.
    """
    return np.floor(share * people + chance)


def turned_round(order: np.ndarray) -> np.ndarray:
    """(R, C) permutations that leave no class where it is, by uniform draws (R, C): each is one cycle."""
    cycle = np.argsort(order, axis=1)
    found = np.empty_like(cycle)
    np.put_along_axis(found, cycle, np.roll(cycle, -1, axis=1), axis=1)
    return found
