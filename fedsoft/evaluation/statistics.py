"""Effects with intervals where images are crossed with seeds."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from fedsoft.errors import DataError


@dataclass(frozen=True)
class Effects:
    """Estimates of effects with what their intervals need.

    Attributes:
        estimate: (...) effects; NaN where a stratum is empty.
        se: (...) standard errors.
        df: degrees of freedom of Student's t: seeds - 1, or infinite with one seed.
        seeds: number of seeds; with one (``images_only``) nothing is known of other seeds.
    """

    estimate: np.ndarray
    se: np.ndarray
    df: float
    seeds: int

    @property
    def images_only(self) -> bool:
        """Whether the intervals speak of other images but not of other seeds, for want of a second one."""
        return self.seeds == 1

    @property
    def p_values(self) -> np.ndarray:
        """(...) two-sided p values of no effect."""
        sure = np.where(np.isnan(self.estimate), np.nan, np.where(self.estimate == 0, 0.0, np.inf))
        ratio = np.divide(np.abs(self.estimate), self.se, out=sure, where=self.se > 0)
        return 2 * stdtr(self.df, -ratio)

    def interval(self, level: float | np.ndarray = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """Ends (...), (...) of intervals that miss the truth with probability ``level``, one or (...)."""
        reach = -stdtrit(self.df, np.asarray(level) / 2) * self.se
        return self.estimate - reach, self.estimate + reach


def crossed_effects(
    values: np.ndarray,
    image: np.ndarray,
    seed: np.ndarray,
    weight: np.ndarray | None = None,
    across: np.ndarray | None = None,
    combine: np.ndarray | None = None,
) -> Effects:
    """Effects as weighted means over cells (image, seed), with standard errors for both at once.

    Images and seeds are crossed, so the variance is that of two-way clustering, V_seed + V_image - V_cell,
    each V from the sums of the cells' influences over its G units, times G / (G - 1), and never below the
    larger of the first two (Cameron, Gelbach, Miller 2011, JBES 29:238). It is what resampling images, seeds
    and cells each for themselves converges to; resampling images and seeds at once would count the cells'
    own noise three times (Owen 2007, arXiv:0711.2416). Not every image need be met by every seed, and a
    stratum may differ in size from seed to seed: means are ratios, linearised.

    The intervals speak of other images and other seeds on the same training data. What training examples and
    their votes are like by accident is shared by all seeds and is in no standard error.

    Args:
        values: (cells, J) values, such as the sources' losses.
        image: (cells,) image of each cell.
        seed: (cells,) seed of each cell.
        weight: (cells, G) weights of at least 0, such as strata's masks, each of which makes a mean of its
            own; None is one group of all cells.
        across: (R, G) rows that combine groups, such as 1 and -1 for the gap in the hardest fifth less that
            in the rest; None takes each group.
        combine: (Q, J) rows that combine columns, such as 1 and -1 for one source less another; None takes
            each column.

    Returns:
        Effects of shape (R, Q).

    Raises:
        DataError: there is no cell.
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 0:
        raise DataError("no predictions to compare: the two sources share no image and seed; run both.")
    weight = np.ones((len(values), 1)) if weight is None else np.asarray(weight, dtype=float)
    across = np.eye(weight.shape[1]) if across is None else across
    wanted = values if combine is None else values @ combine.T
    total = weight.sum(axis=0)
    share = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    means = np.where(total > 0, 1.0, np.nan)[:, None] * (share.T @ wanted)
    known = np.nan_to_num(means)
    sums = {name: _Sums(cluster) for name, cluster in (("image", image), ("seed", seed))}
    estimates, errors = [], []
    for row in across:
        used = np.flatnonzero(row)
        influence = (share @ row)[:, None] * wanted - (share * row) @ known
        images, seeds = sums["image"].variance(influence), sums["seed"].variance(influence)
        cells = (influence**2).sum(axis=0) * len(values) / max(len(values) - 1, 1)
        both = np.maximum(images + seeds - cells, np.maximum(images, seeds))
        variance = images if sums["seed"].count == 1 else both
        estimates.append(row[used] @ means[used])
        errors.append(np.where(np.isnan(estimates[-1]), np.nan, np.sqrt(variance)))
    count = sums["seed"].count
    return Effects(np.array(estimates), np.array(errors), count - 1 if count > 1 else np.inf, count)


class _Sums:
    """Sums over clusters of cells, whose order is found once."""

    def __init__(self, cluster: np.ndarray) -> None:
        self.order = np.argsort(cluster, kind="stable")
        ordered = np.asarray(cluster)[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.count = len(self.starts)

    def variance(self, influence: np.ndarray) -> np.ndarray:
        """Variance (Q,) of a sum of influences (cells, Q) whose clusters are independent."""
        sums = np.add.reduceat(influence[self.order], self.starts)
        spread: np.ndarray = (sums**2).sum(axis=0) * self.count / max(self.count - 1, 1)
        return spread
