"""Sums over single annotations, by image and by annotator."""

from dataclasses import dataclass

import numpy as np

from fedsoft.datasets import Annotations


@dataclass(frozen=True)
class Aggregate:
    """What an aggregation found.

    Attributes:
        posterior: (N, C) probability of each class being the true one.
        skill: (R,) how reliable each annotator is, in [0, 1].
    """

    posterior: np.ndarray
    skill: np.ndarray


def people_of(annotations: Annotations) -> int:
    """R, the number of annotators up to the last who answered."""
    return int(annotations.annotator.max()) + 1


def votes_of(
    annotations: Annotations, images: int, classes: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """(N, C) annotations, or their weights (A,), summed by image and class."""
    place = annotations.item * classes + annotations.label
    return np.bincount(place, weight, images * classes).reshape(images, classes).astype(float)


def shares_of(annotations: Annotations, images: int, classes: int) -> np.ndarray:
    """(N, C) shares of an image's annotations."""
    votes = votes_of(annotations, images, classes)
    shares: np.ndarray = votes / votes.sum(axis=1, keepdims=True)
    return shares


def sums_of(annotations: Annotations, values: np.ndarray | None = None) -> np.ndarray:
    """(R,) values (A,) of annotations, or their number, summed by annotator."""
    return np.bincount(annotations.annotator, values, people_of(annotations)).astype(float)
