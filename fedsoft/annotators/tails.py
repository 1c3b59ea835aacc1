"""How unlikely a sum of few or many unequal draws is: an upper bound that holds at any number of them."""

import numpy as np

STEPS = 24
NEAR = 2.0
"""Standard deviations above the mean from which a sum is worth a search; below, its bound is 0.02 or more."""
LOWEST, HIGHEST = 1e-3, 1e4
"""Tilts between which the best is sought: a weaker one proves nothing, a stronger one no more."""


def log_tail_bound(
    observed: np.ndarray, value: np.ndarray, prob: np.ndarray, draw: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """(G,) log of a bound on the probability that a sum of independent draws is as high as observed.

    Chernoff's bound (1952, Ann. Math. Statist. 23:493): for every tilt t > 0, P(S >= x) is at most
    E[exp(t S)] / exp(t x), and the t that makes it least is found by bisection. It is no approximation:
    a claim that rests on it is wrong no more often than stated, however few draws there are. The price is
    a factor of about 2.5 z in the far tail. Sums that are `NEAR` their mean have the bound of one.

    Args:
        observed: (G,) sums.
        value: (E,) what a draw may give.
        prob: (E,) how likely it is to give that; sums to one over a draw's entries.
        draw: (E,) the draw of each entry, from 0 on, ascending without gaps.
        group: (D,) the group whose sum a draw adds to.
    """
    if not len(draw):
        return np.zeros(len(observed))
    starts = np.flatnonzero(np.r_[True, draw[1:] != draw[:-1]])
    mean = np.add.reduceat(prob * value, starts)
    variance = np.bincount(group, np.add.reduceat(prob * value**2, starts) - mean**2, len(observed))
    far = observed - np.bincount(group, mean, len(observed)) > NEAR * np.sqrt(np.maximum(variance, 0.0))
    found = np.zeros(len(observed))
    if far.any():
        kept = far[group]
        entry = kept[draw]
        found[far] = _search(
            observed[far], value[entry], prob[entry], (np.cumsum(kept) - 1)[draw[entry]],
            (np.cumsum(far) - 1)[group[kept]],
        )  # fmt: skip
    return found


def _search(
    observed: np.ndarray, value: np.ndarray, prob: np.ndarray, draw: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """(G,) the least of the logs of bounds at tilts from `LOWEST` to `HIGHEST`."""
    starts = np.flatnonzero(np.r_[True, draw[1:] != draw[:-1]])
    top = np.maximum.reduceat(value, starts)
    below = value - top[draw]
    short = observed - np.bincount(group, top, len(observed))  # at most 0, short of the highest sum

    def tilted(tilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(G,) the log of the bound at a tilt, and whether a stronger one is better."""
        weight = prob * np.exp(tilt[group][draw] * below)
        mass = np.add.reduceat(weight, starts)
        mean = np.add.reduceat(weight * below, starts) / mass
        log = np.bincount(group, np.log(mass), len(observed)) - tilt * short
        return log, np.bincount(group, mean, len(observed)) < short

    low, high = np.full(len(observed), np.log(LOWEST)), np.full(len(observed), np.log(HIGHEST))
    for _ in range(STEPS):
        middle = (low + high) / 2
        stronger = tilted(np.exp(middle))[1]
        low, high = np.where(stronger, middle, low), np.where(stronger, high, middle)
    return np.minimum(tilted(np.exp((low + high) / 2))[0], 0.0)
