"""From single annotations to one true class an image: EM over annotators, and their agreement with the rest.

All work on sums over an annotator's annotations, so an annotator who works for several clients is one person.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from fedsoft.datasets import Annotations

MOST_STEPS = 200
TOLERANCE = 1e-6
SMALLEST = 1e-10  # a probability of 0 in a confusion matrix would be a veto


@dataclass(frozen=True)
class Aggregate:
    """What an aggregation found.

    Attributes:
        posterior: (N, C) probability of each class being the true one.
        skill: (R,) how reliable each annotator is, in [0, 1].
        confusion: (R, C, C) probability of each annotator's answer (last axis), given the true class; None
            where the method has none.
    """

    posterior: np.ndarray
    skill: np.ndarray
    confusion: np.ndarray | None = None


def dawid_skene(annotations: Annotations, images: int, classes: int) -> Aggregate:
    """Dawid and Skene 1979, Applied Statistics 28: class shares and a confusion matrix an annotator, by EM.

    Starts at the vote shares. Skill is the probability of a right answer, averaged over the class shares.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
    """
    people = _people(annotations)

    def confusions(posterior: np.ndarray) -> np.ndarray:
        answers = np.zeros((people, classes, classes))  # annotator, answer, true class
        np.add.at(answers, (annotations.annotator, annotations.label), posterior[annotations.item])
        answers = answers.transpose(0, 2, 1)
        # A true class that an annotator never met gets an answer that says nothing.
        met = answers.sum(axis=2, keepdims=True)
        return np.where(met > 0, answers / np.where(met > 0, met, 1.0), 1 / classes)

    posterior, confusion, shares = _expectation_maximization(annotations, images, classes, confusions)
    return Aggregate(posterior, np.einsum("rcc,c->r", confusion, shares), confusion)


def one_coin(annotations: Annotations, images: int, classes: int) -> Aggregate:
    """Dawid-Skene with one number an annotator: the probability of a right answer, errors being even.

    Zhang et al. 2014, arXiv:1406.3824 (the one-coin model). Starts at the vote shares.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
    """
    people = _people(annotations)
    given = np.bincount(annotations.annotator, minlength=people)

    def confusions(posterior: np.ndarray) -> np.ndarray:
        right = posterior[annotations.item, annotations.label]
        skill = np.bincount(annotations.annotator, right, people) / np.maximum(given, 1)
        even = (1 - skill[:, np.newaxis, np.newaxis]) / (classes - 1)
        return np.where(np.eye(classes, dtype=bool), skill[:, np.newaxis, np.newaxis], even)

    posterior, confusion, _ = _expectation_maximization(annotations, images, classes, confusions)
    return Aggregate(posterior, confusion[:, 0, 0], confusion)


def wawa(annotations: Annotations, images: int, classes: int) -> Aggregate:
    """Worker agreement with aggregate: votes weighted by how often their annotator agrees with the majority.

    As in Crowd-Kit (Ustalov et al. 2024, JOSS 9, 6227), but an annotator who names one of t tied classes
    agrees by 1/t. The posterior is the weighted share of votes; where nobody ever agrees, the plain share.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
    """
    people = _people(annotations)
    votes = _votes(annotations, images, classes)
    top = votes == votes.max(axis=1, keepdims=True)
    agrees = (top / top.sum(axis=1, keepdims=True))[annotations.item, annotations.label]
    given = np.bincount(annotations.annotator, minlength=people)
    skill = np.bincount(annotations.annotator, agrees, people) / np.maximum(given, 1)
    weighted = _votes(annotations, images, classes, skill[annotations.annotator])
    counts = np.where(weighted.sum(axis=1, keepdims=True) > 0, weighted, votes)
    return Aggregate(counts / counts.sum(axis=1, keepdims=True), skill)


def _expectation_maximization(
    annotations: Annotations, images: int, classes: int, confusions: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posterior (N, C), confusion (R, C, C), class shares (C,); `confusions` is the annotators' M step."""
    votes = _votes(annotations, images, classes)
    posterior = votes / votes.sum(axis=1, keepdims=True)
    for _ in range(MOST_STEPS):
        shares, confusion = posterior.mean(axis=0), confusions(posterior)
        evidence = np.log(np.maximum(confusion, SMALLEST))[annotations.annotator, :, annotations.label]
        logs = np.tile(np.log(np.maximum(shares, SMALLEST)), (images, 1))
        np.add.at(logs, annotations.item, evidence)
        moved = softmax(logs, axis=1)
        done = np.abs(moved - posterior).max() <= TOLERANCE
        posterior = moved
        if done:
            break
    return posterior, confusion, shares


def _votes(
    annotations: Annotations, images: int, classes: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """(N, C) annotations, or their weights, summed by image and class."""
    place = annotations.item * classes + annotations.label
    return np.bincount(place, weight, images * classes).reshape(images, classes).astype(float)


def _people(annotations: Annotations) -> int:
    return int(annotations.annotator.max()) + 1
