"""What images' own label distributions may be, given their votes."""

import numpy as np

from fedsoft.annotators.mixture import fit_mixture
from fedsoft.annotators.prior import fit_prior, posterior_draw, tally
from fedsoft.errors import DataError
from fedsoft.streams import stream

DRAWS = 10
"""Distributions drawn from each image's posterior, over which ceilings and noise are averaged."""


def likely_distributions(
    votes: np.ndarray, labels: np.ndarray, labels_are_majority: bool = False
) -> np.ndarray | None:
    """(DRAWS, N, C) label distributions that images with these votes (N, C) may have.

    Under a Dirichlet prior of each label (N,), or one mixture for all where labels are the votes' own mode.
    None where the images of a label have one vote each, from which no prior can be fitted.
    """
    rng = stream("likely distributions")
    try:
        if labels_are_majority:
            mixture = fit_mixture(votes)
            return np.stack([mixture.posterior_draw(votes, rng) for _ in range(DRAWS)])
        prior = fit_prior(tally(votes, labels, int(votes.sum(axis=1).max())))
    except DataError:
        return None
    return np.stack([posterior_draw(votes, prior[labels], rng) for _ in range(DRAWS)])
