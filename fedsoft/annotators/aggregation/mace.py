"""MACE: annotators who know, or answer by habit without looking."""

import numpy as np
from scipy.special import digamma, expit, logsumexp, softmax

from fedsoft.annotators.aggregation.answers import Aggregate, shares_of, sums_of, votes_of
from fedsoft.annotators.aggregation.em import SMOOTHING, settle
from fedsoft.datasets import Annotations

HONESTY = 0.5
"""Both parameters of the Beta prior of an annotator's honesty, as in the paper."""
HABITS = 10.0
"""All parameters of the Dirichlet prior of an annotator's habits, as in the paper."""


def mace(annotations: Annotations, images: int, classes: int, smoothing: float = SMOOTHING) -> Aggregate:
    """Hovy, Berg-Kirkpatrick, Vaswani and Hovy 2013, NAACL (MACE), by variational Bayes.

    An annotator gives the true class with probability θ, and else, without looking, a class drawn from habits
    ξ of their own; every class is as likely to be the true one. θ has a Beta prior and ξ a Dirichlet prior.
    The paper's Beta(1/2, 1/2) takes whoever answered once for a knower or a spammer. So θ has ``smoothing``
    answers more, of which as many are known as of the whole crowd's, from the same EM.

    Starts at the vote shares, with θ = 1/2 and even habits, and not many times at random. Skill is the
    posterior mean of θ.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
        smoothing: pseudo-answers an annotator, at least 0; 0 is the method of 2013.
    """
    annotator, given = annotations.annotator, sums_of(annotations)
    _, pair = np.unique(annotator * classes + annotations.label, return_inverse=True)

    def honesty(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (R,) of the Beta posteriors: answers that were known, and those given by habit."""
        mine, crowd = sums_of(annotations, known), known.mean()
        return mine + HONESTY + smoothing * crowd, given - mine + HONESTY + smoothing * (1 - crowd)

    def believe(known: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Posterior (N, C), probability (A,) that an answer was known if it is right, and the evidence."""
        knows, spams = honesty(known)
        habits = np.bincount(pair, 1 - known)[pair] + HABITS
        all_habits = sums_of(annotations, 1 - known) + classes * HABITS
        total = digamma(knows + spams)
        knowing = (digamma(knows) - total)[annotator]
        guessing = (digamma(spams) - total - digamma(all_habits))[annotator] + digamma(habits)
        odds = knowing - guessing
        logs = votes_of(annotations, images, classes, np.logaddexp(0, odds))
        evidence = logsumexp(logs, axis=1).sum() + guessing.sum()
        return softmax(logs, axis=1), expit(odds), float(evidence)

    def step(state: np.ndarray) -> tuple[np.ndarray, float]:
        posterior, if_right, evidence = believe(state[:, 0])
        known = posterior[annotations.item, annotations.label] * if_right
        return np.stack([known, 1 - known], axis=1), evidence

    share = shares_of(annotations, images, classes)[annotations.item, annotations.label]
    start = share * classes / (classes + 1)  # a right answer was known or, one time in C, guessed
    _, state = settle(np.stack([start, 1 - start], axis=1), step, len(annotations.item))
    knows, spams = honesty(state[:, 0])
    return Aggregate(believe(state[:, 0])[0], knows / (knows + spams))
