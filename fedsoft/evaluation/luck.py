"""How much of a figure's variance is that of something drawn anew within each unit."""

from typing import NamedTuple

import numpy as np
from scipy.special import fdtri


class Share(NamedTuple):
    """A share of variance with its 95 % interval, all within [0, 1]; NaN where nothing varies."""

    estimate: float
    low: float
    high: float


def share_within(values: np.ndarray, level: float = 0.05) -> Share:
    """The share of a single value's variance that lies within units, by one-way random effects.

    One less the intraclass correlation ICC(1), with its exact interval under normal effects (McGraw and Wong
    1996, Psychological Methods 1:30, case 1).

    Args:
        values: (units, draws), two or more of each, such as seeds and partitions that each of them redraws.
        level: probability with which the interval misses.
    """
    units, draws = values.shape
    between = draws * values.mean(axis=1).var(ddof=1)
    within = values.var(axis=1, ddof=1).mean()
    if between <= 0 and within <= 0:
        return Share(np.nan, np.nan, np.nan)
    if within <= 0:
        return Share(0.0, 0.0, 0.0)
    free = units - 1, units * (draws - 1)
    ratio = between / within
    low = ratio / fdtri(*free, 1 - level / 2)
    high = ratio * fdtri(*reversed(free), 1 - level / 2)

    def share(f: float) -> float:
        return float(np.clip(1 - (f - 1) / (f + draws - 1), 0.0, 1.0))

    return Share(share(ratio), share(high), share(low))
