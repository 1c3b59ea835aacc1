"""How images' own label distributions spread within a label: a Dirichlet prior fitted on shared sums."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fedsoft.errors import DataError

TOLERANCE = 1e-9
"""Of a step, as a share of the label's concentration."""
MOST_PAIRS = 300
LONGEST = 1e3
"""Steps that an extrapolation goes at most."""
LEAST, MOST = 1e-9, 1e6
"""Parameters beyond these make no difference to any image."""


@dataclass(frozen=True)
class VoteTallies:
    """Sums over images that a Dirichlet-multinomial fit needs; clients' tallies add up to the pooled ones.

    They are sufficient (Sklar 2014, arXiv:1405.0099), so one exchange of them gives the fit on pooled votes.

    Attributes:
        above: (L, C, K) entry [y, c, m]: images labelled y with more than m votes for class c.
        total_above: (L, K) entry [y, m]: images labelled y with more than m votes in all.
    """

    above: np.ndarray
    total_above: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.above + other.above, self.total_above + other.total_above)


def tally(votes: np.ndarray, labels: np.ndarray, most: int) -> VoteTallies:
    """One client's tallies.

    Args:
        votes: (N, C) counts.
        labels: (N,) class indices.
        most: K, the most votes that an image of any client has; the same for tallies that are to be added.
    """
    level = np.arange(most)
    above = np.zeros((votes.shape[1], votes.shape[1], most))
    total_above = np.zeros((votes.shape[1], most))
    for label in np.unique(labels):
        mine = votes[labels == label]
        above[label] = (mine[:, :, np.newaxis] > level).sum(axis=0)
        total_above[label] = (mine.sum(axis=1)[:, np.newaxis] > level).sum(axis=0)
    return VoteTallies(above, total_above)


def fit_prior(tallies: VoteTallies, start: np.ndarray | None = None, pairs: int = MOST_PAIRS) -> np.ndarray:
    """The Dirichlet prior of each label under which the votes are likeliest.

    Minka 2000, "Estimating a Dirichlet distribution", eq. 65: the fixed point of the Dirichlet-multinomial's
    likelihood, with its digamma differences written as the sums over m of 1 / (alpha + m). Its steps grow
    short long before the end, so pairs of them are extrapolated, each label's by itself (SQUAREM: Varadhan
    and Roland 2008, Scand. J. Statist. 35, 335, scheme S3, on logarithms). Labels have their own mean and
    their own concentration, since classes differ in both: one is rarely mistaken, another mistaken always
    a little, a third rarely but then entirely.

    Args:
        tallies: sums over all images of all clients.
        start: (L, C) where to start; without it, the mean votes of each label at a concentration of 1.
        pairs: the most pairs of steps.

    Returns:
        (L, C) alpha. A class that nobody chose under a label has 0, a label without images is all zeros.
        Where votes spread less than chance the concentration grows without end, and stops after a while.

    Raises:
        DataError: all images of a label have a single vote, which says nothing about their spread.
    """
    _require_pairs(tallies.total_above)
    alpha = _shares(tallies.above.sum(axis=2)) if start is None else start
    for _ in range(pairs):
        once = _step(tallies, alpha)
        twice = _step(tallies, once)
        settled = np.abs(twice - once).max(axis=1) <= TOLERANCE * np.maximum(twice.sum(axis=1), LEAST)
        if settled.all():
            break
        alpha = np.where(settled[:, np.newaxis], twice, _extrapolated(alpha, once, twice))
    return twice


def _step(tallies: VoteTallies, alpha: np.ndarray) -> np.ndarray:
    """One step of the fixed point, which never lowers the likelihood."""
    level = np.arange(tallies.above.shape[2])
    # Where alpha is 0 nobody voted, and 0 above 0 + m is 0 for whatever stands in for it.
    grow = (tallies.above / (np.where(alpha > 0, alpha, 1.0)[..., np.newaxis] + level)).sum(axis=2)
    concentration = alpha.sum(axis=1, keepdims=True)
    shrink = (tallies.total_above / (np.where(concentration > 0, concentration, 1.0) + level)).sum(axis=1)
    moved: np.ndarray = alpha * grow / np.where(shrink > 0, shrink, 1.0)[:, np.newaxis]
    return moved


def _extrapolated(alpha: np.ndarray, once: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Where a label's steps (L, C) lead if they go on as the last two do."""
    used = twice > 0
    begin, middle, end = (np.log(np.where(used, at, 1.0)) for at in (alpha, once, twice))
    first, bend = middle - begin, end - 2 * middle + begin
    length = np.sqrt((first**2).sum(axis=1) / np.maximum((bend**2).sum(axis=1), np.finfo(float).tiny))
    length = np.clip(length, 1.0, LONGEST)[:, np.newaxis]
    there = begin + 2 * length * first + length**2 * bend
    return np.where(used, np.exp(np.clip(there, np.log(LEAST), np.log(MOST))), 0.0)


def posterior_mean(votes: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(N, C) counts and the prior (N, C) of each image -> (N, C) expected label distributions.

    (alpha + votes) / (sum of alpha + number of votes): raw shares, shrunk to the prior's mean the more the
    fewer votes there are.
    """
    counts = alpha + votes
    mean: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
    return mean


def posterior_draw(votes: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, C) counts and the prior (N, C) of each image -> (N, C) label distributions it may have.

    Drawn from the posterior, Dirichlet(alpha + votes): images differ from each other as much as they really
    do, which raw shares of few votes overstate and posterior means understate.
    """
    drawn = rng.standard_gamma(alpha + votes)
    rows: np.ndarray = drawn / drawn.sum(axis=1, keepdims=True)
    return rows


def _shares(counts: np.ndarray) -> np.ndarray:
    shares: np.ndarray = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return shares


def _require_pairs(total_above: np.ndarray) -> None:
    alone = np.flatnonzero((total_above[:, 0] > 0) & (total_above[:, 1:].sum(axis=1) == 0))
    if alone.size:
        raise DataError(
            f"all examples with label {', '.join(map(str, alone))} have a single vote, which does not say "
            "how far examples differ; collect two votes on some, or choose a source without a prior."
        )
