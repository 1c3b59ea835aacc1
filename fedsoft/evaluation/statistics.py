"""Effects with intervals where images are crossed with seeds."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from fedsoft.errors import DataError

BLOCK = 100  # draws made at once; bounds memory at BLOCK x cells


@dataclass(frozen=True)
class Effects:
    """Estimates of M effects with what their intervals need.

    Attributes:
        estimate: (M,) effects; NaN where a stratum is empty.
        se: (M,) standard errors.
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
        """(M,) two-sided p values of no effect."""
        sure = np.where(np.isnan(self.estimate), np.nan, np.where(self.estimate == 0, 0.0, np.inf))
        ratio = np.divide(np.abs(self.estimate), self.se, out=sure, where=self.se > 0)
        return 2 * stats.t.sf(ratio, self.df)

    def interval(self, level: float | np.ndarray = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """Ends (M,), (M,) of intervals that miss the truth with probability ``level``, () or (M,)."""
        reach = stats.t.isf(np.asarray(level) / 2, self.df) * self.se
        return self.estimate - reach, self.estimate + reach


def two_way_bootstrap(
    values: np.ndarray,
    image: np.ndarray,
    seed: np.ndarray,
    rng: np.random.Generator,
    weight: np.ndarray | None = None,
    contrasts: np.ndarray | None = None,
    draws: int = 2000,
) -> Effects:
    """Effects as weighted means over cells (image, seed), with standard errors for both at once.

    Images, seeds and cells are resampled each for themselves, and the variances, each times G / (G - 1)
    for its G units, combined as in two-way clustering: V_seed + V_image - V_cell, never below the larger
    of the first two (Cameron, Gelbach, Miller 2011, JBES 29:238). Resampling images and seeds at once
    would count the cells' own noise three times (Owen 2007, arXiv:0711.2416). Not every image need be met
    by every seed. Every draw recomputes the means, so a stratum may differ in size from seed to seed.

    Args:
        values: (cells, M) paired differences, or values for contrasts.
        image: (cells,) image of each cell.
        seed: (cells,) seed of each cell.
        rng: draws the resamples.
        weight: (cells, G) weights of at least 0, such as strata's masks: each column is averaged within
            each group, which makes G M means, group by group. None is one group of all cells.
        contrasts: (Q, G M) rows that combine these means into effects, such as 1 and -1 for the gap in the
            hardest fifth less that in the rest; None takes each mean as an effect.
        draws: number of resamples of each kind.

    Returns:
        The effects: the G M means, or the Q contrasts of them.

    Raises:
        DataError: there is no cell.
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 0:
        raise DataError("no predictions to compare: the two sources share no image and seed; run both.")
    weight = np.ones((len(values), 1)) if weight is None else np.asarray(weight, dtype=float)
    # Numerators of all groups, then denominators: one matrix product resamples them all.
    upper = (weight[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    sums = np.hstack([upper, weight])
    columns = values.shape[1]

    def variance(cluster: np.ndarray) -> np.ndarray:
        return _variance(
            _effects(_resample(sums, cluster, rng, draws), columns, contrasts), len(np.unique(cluster))
        )

    estimate = _effects(sums.sum(axis=0), columns, contrasts)
    seeds = len(np.unique(seed))
    images = variance(image)
    if seeds == 1:
        return Effects(estimate, np.sqrt(images), np.inf, seeds)
    runs = variance(seed)
    both = runs + images - variance(np.arange(len(values)))
    return Effects(estimate, np.sqrt(np.maximum(both, np.maximum(images, runs))), seeds - 1, seeds)


def _resample(sums: np.ndarray, cluster: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Column sums (draws, columns) of resamples, with replacement, of whole clusters of rows."""
    _, index = np.unique(cluster, return_inverse=True)
    order = np.argsort(index, kind="stable")
    count = int(index.max()) + 1
    totals = np.add.reduceat(sums[order], np.searchsorted(index[order], np.arange(count)))
    blocks = []
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start)
        picked = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(picked.ravel(), minlength=size * count).reshape(size, count)
        blocks.append(times.astype(float) @ totals)
    return np.concatenate(blocks)


def _effects(totals: np.ndarray, columns: int, contrasts: np.ndarray | None) -> np.ndarray:
    """Means (..., G M) of numerators (..., G M) beside denominators (..., G), or their contrasts (..., Q)."""
    groups = totals.shape[-1] // (columns + 1)
    upper, lower = np.split(totals, [groups * columns], axis=-1)
    lower = np.repeat(lower, columns, axis=-1)
    means = np.divide(upper, lower, out=np.full(upper.shape, np.nan), where=lower > 0)
    if contrasts is None:
        return means
    missing = np.isnan(means)
    if not missing.any():
        return means @ contrasts.T
    # A contrast is undefined only where a column that it uses is.
    undefined = missing.astype(float) @ (contrasts != 0).T > 0
    return np.where(undefined, np.nan, np.where(missing, 0.0, means) @ contrasts.T)


def _variance(draws: np.ndarray, clusters: int) -> np.ndarray:
    """Variance over draws (draws, Q), leaving out draws with an empty stratum, corrected for few clusters."""
    known = ~np.isnan(draws)
    count = known.sum(axis=0)
    mean = np.where(known, draws, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, draws - mean, 0.0) ** 2
    spread = squares.sum(axis=0) / np.maximum(count, 1) * clusters / max(clusters - 1, 1)
    return np.where(count > 0, spread, np.nan)
