"""GLAD: an ability an annotator, an easiness an image."""

import warnings

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, log_expit, logsumexp, softmax

from fedsoft.annotators.aggregation.answers import Aggregate, people_of, votes_of
from fedsoft.datasets import Annotations
from fedsoft.errors import FedsoftWarning

SPREAD = 0.5
"""Standard deviation of annotators' abilities around the crowd's."""
DIFFICULTY = 1.0
"""Standard deviation of images' log easiness."""
LEVELS = 9
"""Of easiness, where its distribution is integrated."""
MOST_STEPS = 2_000
STEEPEST = 1e-4
"""Slope at which the search ends."""


def glad(
    annotations: Annotations,
    images: int,
    classes: int,
    spread: float = SPREAD,
    difficulty: float = DIFFICULTY,
) -> Aggregate:
    """Whitehill, Ruvolo, Wu, Bergsma and Movellan 2009, NeurIPS 22 (GLAD), by maximum a posteriori.

    An answer is right with log odds αβ, α being the annotator's ability and β > 0 the image's easiness, and
    errors are even; every class is as likely to be the true one. Two things differ from the paper, since with
    few answers it is too sure: abilities are normal around a mean that is the crowd's own, not 1, and images'
    easiness (log β is standard normal, times ``difficulty``) is integrated, not fitted.
    Starts at α = 1. Skill is the probability of a right answer where β = 1.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
        spread: standard deviation of α, above 0.
        difficulty: standard deviation of log β, at least 0.
    """
    item, annotator, people = annotations.item, annotations.annotator, people_of(annotations)
    places, weights = hermegauss(LEVELS)
    levels, shares = np.exp(difficulty * places), np.log(weights / weights.sum())

    def at_level(ability: np.ndarray, easiness: float) -> np.ndarray:
        """(N, C) log probability of an image's answers, given each true class."""
        odds = ability[annotator] * easiness
        wrong = log_expit(-odds) - np.log(classes - 1)
        logs = votes_of(annotations, images, classes, odds + np.log(classes - 1))
        return logs + np.bincount(item, wrong, images)[:, np.newaxis]

    def loss(ability: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log posterior density of abilities (R,), at the likeliest mean, and its gradient."""
        totals, rights = np.empty((LEVELS, images)), np.empty((LEVELS, len(item)))
        for level, easiness in enumerate(levels):
            logs = at_level(ability, easiness)
            totals[level] = logsumexp(logs, axis=1)
            rights[level] = np.exp(logs[item, annotations.label] - totals[level, item])
        evidence = logsumexp(totals + shares[:, np.newaxis], axis=0)
        likely = np.exp(totals + shares[:, np.newaxis] - evidence)[:, item]
        surprise = likely * (rights - expit(np.outer(levels, ability[annotator])))
        pull = (ability - ability.mean()) / spread**2
        slope = np.bincount(annotator, levels @ surprise, people) - pull
        value = evidence.sum() - ability @ pull / 2
        return -float(value), -slope

    from scipy.optimize import minimize  # here, since it takes an eighth of a second to import

    found = minimize(
        loss,
        np.ones(people),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "gtol": STEEPEST, "ftol": 1e-12},
    )
    if found.nit >= MOST_STEPS:
        warnings.warn(
            f"aggregating {len(item)} annotations by glad did not settle in {MOST_STEPS} steps, so targets "
            "are not quite its optimum; a smaller spread, or more answers a person, settle sooner.",
            FedsoftWarning,
            stacklevel=2,
        )
    ability = found.x
    logs = np.logaddexp.reduce(
        [at_level(ability, easiness) + share for easiness, share in zip(levels, shares, strict=True)]
    )
    return Aggregate(softmax(logs, axis=1), expit(ability))
