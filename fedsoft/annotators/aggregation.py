"""From single annotations to one true class an image: EM over annotators, and their agreement with the rest.

All work on sums over an annotator's annotations, so an annotator who works for several clients is one person.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from fedsoft.datasets import Annotations
from fedsoft.errors import FedsoftWarning

MOST_PAIRS = 5000
"""Of steps of EM."""
TOLERANCE = 1e-8
"""Of a step, in any image's posterior."""
LONGEST = 1e3
"""Steps that an extrapolation goes at most."""
SMALLEST = 1e-10  # a probability of 0 in a confusion matrix would be a veto
SMOOTHING = 10.0
"""Answers that each row of a confusion matrix borrows from the crowd's.

In simulated crowds with 1 to 2,000 answers a person it was never behind the majority, nor behind the method
of 1979. From 2 to 20 as many classes are right, but with fewer than 10 posteriors are too sure.
"""


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


def dawid_skene(
    annotations: Annotations, images: int, classes: int, smoothing: float = SMOOTHING
) -> Aggregate:
    """Dawid and Skene 1979, Applied Statistics 28: class shares and a confusion matrix an annotator, by EM.

    Starts at the vote shares. Skill is the probability of a right answer, averaged over the class shares.
    A matrix for each of many people with few answers explains anything, and a majority knows better. So each
    row has ``smoothing`` answers more, which follow the crowd's confusion: that of all annotators together,
    from the same EM (a Dirichlet prior, as in hierarchical Dawid-Skene: Paun et al. 2018, TACL 6, 571).

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
        smoothing: pseudo-answers a row, at least 0; 0 is the method of 1979.
    """
    people = _people(annotations)
    place = annotations.annotator * classes + annotations.label

    def confusions(posterior: np.ndarray) -> np.ndarray:
        sums = (np.bincount(place, given, people * classes) for given in posterior[annotations.item].T)
        answers = np.stack(list(sums)).reshape(classes, people, classes).transpose(1, 0, 2)
        return _rows(answers + smoothing * _rows(answers.sum(axis=0)) if smoothing else answers)

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
    """Posterior (N, C), confusion (R, C, C), class shares (C,); `confusions` is the annotators' M step.

    EM can take thousands of steps, so pairs of them are extrapolated (SQUAREM: Varadhan and Roland 2008,
    Scand. J. Statist. 35, 335, scheme S3); a leap that lowers the likelihood is undone.
    """

    def step(posterior: np.ndarray) -> tuple[np.ndarray, float]:
        """The next posterior, and the log-likelihood of the parameters between."""
        confusion, shares = confusions(posterior), posterior.mean(axis=0)
        evidence = np.log(np.maximum(confusion, SMALLEST))[annotations.annotator, :, annotations.label].T
        sums = np.stack([np.bincount(annotations.item, given, images) for given in evidence], axis=1)
        logs = np.log(np.maximum(shares, SMALLEST)) + sums
        return softmax(logs, axis=1), float(logsumexp(logs, axis=1).sum())

    votes = _votes(annotations, images, classes)
    posterior = here = votes / votes.sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(MOST_PAIRS):
        once, likelihood = step(here)
        if likelihood < before:
            here = posterior
            once, _ = step(here)
        posterior, before = step(once)
        if np.abs(posterior - once).max() <= TOLERANCE:
            break
        here = _extrapolated(here, once, posterior)
    else:
        warnings.warn(
            f"aggregating {len(annotations.item)} annotations by EM did not settle in {2 * MOST_PAIRS} steps "
            f"(the last moved a posterior by {np.abs(posterior - once).max():.1g}), so targets are not quite "
            "its limit; dawid_skene with more smoothing, or more answers a person, settle sooner.",
            FedsoftWarning,
            stacklevel=3,
        )
    return posterior, confusions(once), once.mean(axis=0)


def _extrapolated(begin: np.ndarray, once: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Where posteriors (N, C) lead if they go on as in the last two steps."""
    first, bend = once - begin, twice - 2 * once + begin
    length = np.sqrt((first**2).sum() / max((bend**2).sum(), np.finfo(float).tiny))
    length = np.clip(length, 1.0, LONGEST)
    there = np.maximum(begin + 2 * length * first + length**2 * bend, 0.0)
    posterior: np.ndarray = there / there.sum(axis=1, keepdims=True)
    return posterior


def _rows(counts: np.ndarray) -> np.ndarray:
    """Counts (..., C, C) of answers by true class as rows of probabilities; uniform where there are none."""
    met = counts.sum(axis=-1, keepdims=True)
    return np.where(met > 0, counts / np.where(met > 0, met, 1.0), 1 / counts.shape[-1])


def _votes(
    annotations: Annotations, images: int, classes: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """(N, C) annotations, or their weights, summed by image and class."""
    place = annotations.item * classes + annotations.label
    return np.bincount(place, weight, images * classes).reshape(images, classes).astype(float)


def _people(annotations: Annotations) -> int:
    return int(annotations.annotator.max()) + 1
