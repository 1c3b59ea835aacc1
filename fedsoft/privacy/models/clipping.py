"""Clipping, as arithmetic on rows of numbers: stacked updates (K, P), per-example gradients (K, B, P)."""

import math

import numpy as np


def norms(rows: np.ndarray) -> np.ndarray:
    """(…,) Euclidean norms, float64, of rows (…, P), each over everything in it."""
    found: np.ndarray = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=-1))
    return found


def clip(rows: np.ndarray, bound: float) -> np.ndarray:
    """Rows (…, P) times min(1, bound / norm): none longer than the bound, shorter ones as they are.

    Abadi et al. 2016, arXiv:1607.00133, Algorithm 1, written so that a row of zeros stays one.

    Args:
        rows: finite numbers; the result is of their type.
        bound: positive.
    """
    factor = np.minimum(1.0, bound / np.maximum(norms(rows), np.finfo(float).tiny))
    clipped: np.ndarray = (rows * factor[..., None]).astype(rows.dtype, copy=False)
    return clipped


def share_within(within: float, there: int, noise: float, expected: float) -> float:
    """Noisy share of an expected number of updates whose norm is within a bound; it may leave [0, 1].

    ½ + (Σ (b - ½) + noise) / expected, with b = 1 for updates within. Centred, one update changes the sum by
    ½ at most: Andrew et al. 2021, arXiv:1905.03871, section 3. Where all the expected ones are there, it is
    (Σ b + noise) / expected.

    Args:
        within: how many updates are within.
        there: how many there are.
        noise: what is added to the count.
        expected: number of updates that were expected.
    """
    return 0.5 + (within - there / 2 + noise) / expected


LEAST, MOST, FARTHEST = 1e-12, 1e12, 100.0
"""Ends of an adaptive bound, and of the exponent of one step: a noisy count may lie far outside [0, 1]."""


def adapted(bound: float, within: float, quantile: float, lr: float) -> float:
    """The next bound: bound · exp(-lr · (within - quantile)). Andrew et al. 2021, Algorithm 1.

    It falls where more updates are within than the quantile asks, and rises where fewer are. Flower's own
    wrapper puts the share that is *clipped* in the place of ``within``, and so goes the other way.
    """
    return min(max(bound * math.exp(min(-lr * (within - quantile), FARTHEST)), LEAST), MOST)


def noise_beside_count(noise: float, count_noise: float) -> float:
    """The multiplier that updates need, so that they and a noisy count together spend what ``noise`` does.

    (noise⁻² - (2 count_noise)⁻²)^-½: Andrew et al. 2021, Theorem 1.

    Args:
        noise: the multiplier that is accounted for.
        count_noise: standard deviation of the noise on the count, more than half of ``noise``.

    Raises:
        ValueError: the count alone would spend more.
    """
    if count_noise <= noise / 2:
        raise ValueError(
            f"count_noise = {count_noise:.4g} lets the count alone spend more than noise = {noise:.4g} does "
            f"for all; raise it above {noise / 2:.4g}"
        )
    return float((noise**-2 - (2 * count_noise) ** -2) ** -0.5)
