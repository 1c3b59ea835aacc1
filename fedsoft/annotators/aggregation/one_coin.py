"""One-coin Dawid-Skene: one reliability an annotator."""

import numpy as np
from scipy.special import logsumexp, softmax

from fedsoft.annotators.aggregation.answers import Aggregate, shares_of, sums_of, votes_of
from fedsoft.annotators.aggregation.em import SMALLEST, settle
from fedsoft.datasets import Annotations


def one_coin(annotations: Annotations, images: int, classes: int) -> Aggregate:
    """Dawid-Skene with one number an annotator: the probability of a right answer, errors being even.

    Zhang et al. 2014, arXiv:1406.3824 (the one-coin model). Starts at the vote shares.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
    """
    given = sums_of(annotations)

    def skills(posterior: np.ndarray) -> np.ndarray:
        right: np.ndarray = sums_of(annotations, posterior[annotations.item, annotations.label])
        return right / np.maximum(given, 1)

    def step(posterior: np.ndarray) -> tuple[np.ndarray, float]:
        skill = skills(posterior)
        right = np.log(np.maximum(skill, SMALLEST))
        wrong = np.log(np.maximum((1 - skill) / (classes - 1), SMALLEST))
        logs = np.log(np.maximum(posterior.mean(axis=0), SMALLEST))
        logs = logs + votes_of(annotations, images, classes, (right - wrong)[annotations.annotator])
        # An answer's probability of being wrong is a factor of every class, and so of none in the posterior.
        return softmax(logs, axis=1), float(logsumexp(logs, axis=1).sum() + given @ wrong)

    before, posterior = settle(shares_of(annotations, images, classes), step, len(annotations.item))
    return Aggregate(posterior, skills(before))
