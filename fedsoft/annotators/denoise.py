"""Images' own label distributions behind votes that slip: exact posteriors, and the prior by EM.

A vote says, with probability 1 - r, what the annotator saw, and else any other class evenly. The same told
otherwise: a vote is *meant* with probability 1 - rC/(C - 1), and else falls on any class, its own too. Given
how many votes for each class are meant, the posterior is Dirichlet. The prior ties these numbers through
their total alone, so the sum over all of them is exact and runs class by class, forwards and backwards.
"""

import warnings

import numpy as np

from fedsoft.annotators.mixture import Mixture, fit_mixture, shared_out
from fedsoft.annotators.prior import VoteTallies, fit_prior, tally
from fedsoft.annotators.slip_rate import largest_rate
from fedsoft.errors import FedsoftWarning

MOST_VOTES = 500
"""More votes an image than this would leave the range of floating-point numbers."""
TINY = np.finfo(float).tiny
MOST_STEPS = 1000  # of EM
TOLERANCE = 2e-4  # of the prior's share in a posterior


def denoised_mean(votes: np.ndarray, alpha: np.ndarray, rate: float) -> np.ndarray:
    """Expected label distributions of images whose votes slip.

    Args:
        votes: (N, C) counts, at most `MOST_VOTES` an image.
        alpha: (N, C) the Dirichlet prior of each image.
        rate: probability in [0, (C - 1)/C] that a vote slips to another class.

    Returns:
        (N, C) rows that sum to 1; `posterior_mean` at rate 0, the prior's mean at the largest rate.
    """
    number = np.arange(int(votes.sum(axis=1).max()) + 1)
    concentration = alpha.sum(axis=1, keepdims=True)
    each, _ = _meant_votes(votes, alpha, rate, 1 / (concentration + number))
    mean: np.ndarray = (each * (alpha[..., np.newaxis] + number)).sum(axis=2)
    return mean / mean.sum(axis=1, keepdims=True)


def fit_denoised_prior(votes: np.ndarray, labels: np.ndarray, rate: float) -> np.ndarray:
    """The Dirichlet prior of each label under which votes that slip are likeliest, by EM.

    Each step is `fit_prior` on the tallies of the meant votes, as expected under the prior so far. These are
    sums over images, so clients can add theirs up.

    Args:
        votes: (N, C) counts.
        labels: (N,) class indices.
        rate: probability in [0, (C - 1)/C] that a vote slips to another class.

    Returns:
        (L, C) alpha; that of `fit_prior` at rate 0.

    Raises:
        DataError: all images of a label have a single vote.
    """
    most = int(votes.sum(axis=1).max())
    alpha = fit_prior(tally(votes, labels, most))
    if rate == 0:
        return alpha
    for _ in range(MOST_STEPS):
        expected = expected_tallies(votes, labels, alpha, rate, most)
        moved = fit_prior(expected, start=alpha)
        share, moved_share = (prior / (prior.sum(axis=1, keepdims=True) + most) for prior in (alpha, moved))
        alpha = moved
        if np.abs(moved_share - share).max() <= TOLERANCE:
            break
    else:
        warnings.warn(
            f"the prior behind votes that slip at a rate of {rate:.3g} did not settle in {MOST_STEPS} steps "
            "of EM, so denoised targets are not quite its limit; a smaller rate, or more votes an image, "
            "settle sooner.",
            FedsoftWarning,
            stacklevel=2,
        )
    return alpha


def expected_tallies(
    votes: np.ndarray, labels: np.ndarray, alpha: np.ndarray, rate: float, most: int
) -> VoteTallies:
    """One client's tallies of the votes that are meant, as expected under the priors of the labels.

    Args:
        votes: (N, C) counts.
        labels: (N,) class indices.
        alpha: (L, C) the Dirichlet prior of each label.
        rate: probability in [0, (C - 1)/C] that a vote slips to another class.
        most: K, the most votes that an image of any client has.
    """
    rows, images = np.unique(np.column_stack([labels, votes]), axis=0, return_counts=True)
    labels, votes = rows[:, 0], rows[:, 1:]
    each, total = _meant_votes(votes, alpha[labels], rate, np.ones((len(votes), most + 1)))
    return _summed(each, total, images / total.sum(axis=1), labels, len(alpha))


def _summed(
    each: np.ndarray, total: np.ndarray, weight: np.ndarray, labels: np.ndarray, count: int
) -> VoteTallies:
    """Tallies by label, of meant votes of images with a weight (N,)."""
    above = np.zeros((count, each.shape[1], each.shape[2] - 1))
    total_above = np.zeros((count, each.shape[2] - 1))
    np.add.at(above, labels, weight[:, np.newaxis, np.newaxis] * _above(each))
    np.add.at(total_above, labels, weight[:, np.newaxis] * _above(total))
    return VoteTallies(above, total_above)


def fit_denoised_mixture(votes: np.ndarray, rate: float) -> Mixture:
    """The mixture under which votes that slip are likeliest, where nothing but votes is known of images.

    By EM from `fit_mixture`, whose number of components it keeps.

    Args:
        votes: (N, C) counts.
        rate: probability in [0, (C - 1)/C] that a vote slips to another class.

    Raises:
        DataError: all images have a single vote.
    """
    mixture, most = fit_mixture(votes), int(votes.sum(axis=1).max())
    rows, images = np.unique(votes, axis=0, return_counts=True)
    for _ in range(MOST_STEPS if rate > 0 else 0):
        each, total, share = _by_component(rows, mixture, rate, np.ones((len(rows), most + 1)))
        weight = (share * images[:, np.newaxis]).T
        component = np.repeat(np.arange(len(weight)), len(rows))
        expected = _summed(each, total, weight.ravel() / total.sum(axis=1), component, len(weight))
        alpha = fit_prior(expected, start=mixture.alpha)
        parts = (prior / (prior.sum(axis=1, keepdims=True) + most) for prior in (mixture.alpha, alpha))
        mixture = Mixture(weight.sum(axis=1) / len(votes), alpha)
        if np.abs(np.subtract(*parts)).max() <= TOLERANCE:
            break
    return mixture


def denoised_mixture_mean(votes: np.ndarray, mixture: Mixture, rate: float) -> np.ndarray:
    """(N, C) expected label distributions of images whose votes (N, C) slip, under a mixture."""
    ones = np.ones((len(votes), int(votes.sum(axis=1).max()) + 1))
    share = _by_component(votes, mixture, rate, ones)[2]
    each = np.stack([denoised_mean(votes, np.tile(alpha, (len(votes), 1)), rate) for alpha in mixture.alpha])
    mean: np.ndarray = np.einsum("nm,mnc->nc", share, each)
    return mean


def _by_component(
    votes: np.ndarray, mixture: Mixture, rate: float, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`_meant_votes` of all images under each component, one after the other, and responsibilities (N, M)."""
    M = len(mixture.weights)
    alpha = np.repeat(mixture.alpha, len(votes), axis=0)
    each, total = _meant_votes(np.tile(votes, (M, 1)), alpha, rate, np.tile(factor, (M, 1)))
    likelihood = total.sum(axis=1).reshape(M, -1).T
    return each, total, shared_out(np.log(np.maximum(likelihood, TINY)), mixture.weights)[0]


def _above(weights: np.ndarray) -> np.ndarray:
    """(..., K + 1) weights of 0 to K -> (..., K) weight of more than 0 to K - 1."""
    tails: np.ndarray = np.cumsum(weights[..., ::-1], axis=-1)[..., -2::-1]
    return tails


def _meant_votes(
    votes: np.ndarray, alpha: np.ndarray, rate: float, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many votes are meant: posterior weights, times a factor (N, K + 1) by their total.

    Returns:
        (N, C, K + 1) for each class and (N, K + 1) in all, up to a constant of each image.
    """
    (N, C), most = votes.shape, factor.shape[1] - 1
    meant = max(1 - rate / largest_rate(C), 0.0)
    share = meant / (meant + rate / (C - 1))  # of the votes on a class, were all seen as that class
    number = np.arange(most + 1)
    concentration = alpha.sum(axis=1, keepdims=True)
    scale = concentration + most  # keeps the rising factorials of the Dirichlet-multinomial in range
    from scipy.stats import binom  # here, since it takes a second to import

    by_chance = binom.pmf(number, number[:, np.newaxis], share)[votes]
    local = by_chance * _rising(alpha, scale, most)
    ahead = np.zeros((C + 1, N, most + 1))  # by meant votes for the classes before
    ahead[0, :, 0] = 1
    for c in range(C):
        for j in range(votes[:, c].max() + 1):
            rows = np.flatnonzero(votes[:, c] >= j)
            ahead[c + 1, rows, j:] += ahead[c, rows, : most + 1 - j] * local[rows, c, j, np.newaxis]
    back = factor / _rising(concentration, scale, most)[:, 0]  # by meant votes for the classes up to here
    total = ahead[C] * back
    each = np.zeros_like(local)
    for c in range(C)[::-1]:
        before = np.zeros_like(back)
        for j in range(votes[:, c].max() + 1):
            rows = np.flatnonzero(votes[:, c] >= j)
            rest = back[rows, j:] * local[rows, c, j, np.newaxis]
            each[rows, c, j] = (ahead[c, rows, : most + 1 - j] * rest).sum(axis=1)
            before[rows, : most + 1 - j] += rest
        back = before
    return each, total


def _rising(start: np.ndarray, scale: np.ndarray, most: int) -> np.ndarray:
    """(N, J) numbers x -> (N, J, K + 1) products of 0 to K factors x, x + 1, ..., each over scale (N, 1)."""
    factors = (start[..., np.newaxis] + np.arange(most)) / scale[..., np.newaxis]
    return np.concatenate([np.ones((*start.shape, 1)), np.cumprod(factors, axis=-1)], axis=-1)
