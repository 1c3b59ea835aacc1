"""Ranks over blocks, and the difference between mean ranks that Nemenyi's test takes for more than chance."""

import math

import numpy as np


def mean_ranks(losses: np.ndarray) -> np.ndarray:
    """Mean rank (S,) over blocks of losses (B, S), 1 for the least; ties share the mean of their ranks."""
    below = (losses[:, :, None] > losses[:, None, :]).sum(axis=2)
    equal = (losses[:, :, None] == losses[:, None, :]).sum(axis=2)
    ranks: np.ndarray = (below + (equal + 1) / 2).mean(axis=0)
    return ranks


def critical_difference(compared: int, blocks: int, level: float = 0.05) -> float:
    """The difference of mean ranks over independent blocks that chance reaches with probability ``level``.

    Nemenyi's test as Demšar 2006, JMLR 7:1, has it: q sqrt(k (k + 1) / (6 N)), with q the quantile of the
    studentized range of k and infinitely many degrees of freedom, over the square root of 2.

    Args:
        compared: k, from 2 on.
        blocks: N, the number of data sets; those that share data are not independent.
        level: of the test.
    """
    from scipy.stats import studentized_range  # here, since it takes a second to import

    q = float(studentized_range.ppf(1 - level, compared, np.inf)) / math.sqrt(2)
    return q * math.sqrt(compared * (compared + 1) / (6 * blocks))


def cliques(ranks: np.ndarray, difference: float) -> list[list[int]]:
    """The largest groups of two or more that lie within a difference of mean ranks, from the best on."""
    order = np.argsort(ranks, kind="stable").tolist()
    found: list[list[int]] = []
    for start in range(len(order)):
        group = [one for one in order[start:] if ranks[one] - ranks[order[start]] < difference]
        if len(group) > 1 and not any(set(group) <= set(other) for other in found):
            found.append(group)
    return found
