"""Intervals for means over pairs of repetitions that share images."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

Unit = Literal["sets", "repetitions", "images"]


def pair_jackknife(
    pairs: Sequence[tuple[int, int]], images: Sequence[np.ndarray], values: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, Unit]:
    """Means over pairs and their images, and how far 95 % intervals reach to either side.

    A jackknife (Efron, Stein 1981, Annals of Statistics 9:586) with Student's t on one degree of freedom less
    than there are units. A repetition that several pairs share makes these alike, so the unit is the set of
    repetitions connected by pairs, where there are three or more sets. Otherwise it is the repetition, where
    each set has three or more, and the variance over images is added. Otherwise it is the image, and the
    interval says nothing about other repetitions.

    Args:
        pairs: the two repetitions of each pair, by number.
        images: (n,) the images of each pair, at least one.
        values: (..., n) values of each pair.

    Returns:
        the means (...), half the intervals' widths (...), and the unit.
    """
    sums = np.stack([value.sum(axis=-1) for value in values])  # (pairs, ...)
    sizes = np.array([len(shared) for shared in images], dtype=float)
    estimate = sums.sum(axis=0) / sizes.sum()
    ends = np.array(pairs)
    set_of = _connected(ends)
    sets = np.unique(set_of)
    if len(sets) > 2:
        variance = _leave_out([set_of == number for number in sets], sums, sizes)
        return estimate, stdtrit(len(sets) - 1, 0.975) * np.sqrt(variance), "sets"
    over_images = _over_images(images, values)
    if min(len(np.unique(ends[set_of == number])) for number in sets) > 2:
        repetitions = np.unique(ends)
        variance = _leave_out([(ends == number).any(axis=1) for number in repetitions], sums, sizes)
        reach = stdtrit(len(repetitions) - 1, 0.975) * np.sqrt(variance + over_images)
        return estimate, reach, "repetitions"
    return estimate, ndtri(0.975) * np.sqrt(over_images), "images"


def _connected(ends: np.ndarray) -> np.ndarray:
    """(pairs,) the set of each pair: pairs (pairs, 2) with a repetition in common are in one set."""
    root = np.arange(ends.max() + 1)
    for a, b in ends:
        root[root == root[b]] = root[a]
    return root[ends[:, 0]]


def _leave_out(units: Sequence[np.ndarray], sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The jackknife's variance of the mean, without the pairs (pairs,) of each unit in turn."""
    without = np.stack([sums[~unit].sum(axis=0) / sizes[~unit].sum() for unit in units])
    G = len(without)
    variance: np.ndarray = (G - 1) / G * np.square(without - without.mean(axis=0)).sum(axis=0)
    return variance


def _over_images(images: Sequence[np.ndarray], values: Sequence[np.ndarray]) -> np.ndarray:
    """The variance of the mean over other images: the jackknife's, to first order in 1 / images."""
    _, place = np.unique(np.concatenate(images), return_inverse=True)
    flat = np.concatenate(values, axis=-1)
    residual = flat - flat.mean(axis=-1, keepdims=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(place.max() + 1))
    by_image = np.add.reduceat(residual[..., order], starts, axis=-1)
    N = by_image.shape[-1]
    variance: np.ndarray = np.square(by_image).sum(axis=-1) / len(place) ** 2 * N / max(N - 1, 1)
    return variance
