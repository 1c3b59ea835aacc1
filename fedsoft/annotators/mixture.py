"""How items' own label distributions spread where nothing but votes is known of them: a Dirichlet mixture.

Labels that are the votes' own majority say nothing that the votes do not. A prior within such labels would
take the choice of the mode for certainty about it, and find items of a label nearly alike.
"""

from dataclasses import dataclass

import numpy as np

from fedsoft.annotators.prior import LEAST, VoteTallies, fit_prior, posterior_draw, posterior_mean
from fedsoft.errors import DataError

MOST_STEPS = 500
"""Of EM."""
TOLERANCE = 1e-6
"""Of a step of EM, as the gain of an item's log-likelihood."""
PAIRS_A_STEP = 3
TRUST = 0.8
"""How far a component starts at the items whose mode is its class; the rest starts anywhere."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of M Dirichlet distributions over C classes: the prior of items that differ by nothing known.

    Attributes:
        weights: (M,) share of the items of each component.
        alpha: (M, C) parameters of each component.
    """

    weights: np.ndarray
    alpha: np.ndarray

    @property
    def concentration(self) -> float:
        """That of one Dirichlet distribution whose items differ as much: 0 where each has a class of its own.

        With E the mean over items, (1 - E[sum p²]) / (E[sum p²] - sum E[p]²).
        """
        total = self.alpha.sum(axis=1, keepdims=True)
        squares = (self.alpha * (self.alpha + 1) / (total * (total + 1))).sum(axis=1) @ self.weights
        mean = self.weights @ (self.alpha / total)
        return float((1 - squares) / max(squares - (mean**2).sum(), np.finfo(float).tiny))

    def responsibilities(self, votes: np.ndarray) -> np.ndarray:
        """(N, M) how likely each item, by its votes (N, C), is of each component."""
        return _expected(_above(votes), self)[0]

    def posterior_mean(self, votes: np.ndarray) -> np.ndarray:
        """(N, C) counts -> (N, C) expected label distributions."""
        each = np.stack([posterior_mean(votes, alpha) for alpha in self.alpha])
        mean: np.ndarray = np.einsum("nm,mnc->nc", self.responsibilities(votes), each)
        return mean

    def posterior_draw(self, votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(N, C) counts -> (N, C) label distributions that the items may have, of a component drawn first."""
        ends = self.responsibilities(votes).cumsum(axis=1)
        component = (rng.random((len(votes), 1)) > ends[:, :-1]).sum(axis=1)
        return posterior_draw(votes, self.alpha[component], rng)


def fit_mixture(votes: np.ndarray) -> Mixture:
    """The mixture under which votes are likeliest: of one component, or of one for each class.

    Fitted by EM. All that a step needs are sums over items, which clients can add up. Components of the
    larger mixture start about the modes of the votes, ties shared; it is taken if the Bayesian information
    criterion (Schwarz 1978, Ann. Statist. 6, 461) says that it earns its parameters.

    Args:
        votes: (N, C) counts.

    Raises:
        DataError: all items have a single vote, which says nothing about how they differ.
    """
    if votes.sum(axis=1).max() < 2:
        raise DataError(
            "all examples have a single vote, which does not say how far they differ; collect two votes on "
            "some, or choose a source without a prior."
        )
    rows, items = np.unique(votes, axis=0, return_counts=True)
    top = (rows == rows.max(axis=1, keepdims=True)).astype(float)
    top /= top.sum(axis=1, keepdims=True)
    C = votes.shape[1]
    found = [_fit(rows, items, np.ones((len(rows), 1)))]
    if len(votes) > C * (C + 1):
        found.append(_fit(rows, items, TRUST * top + (1 - TRUST) / C))
    return min(found, key=lambda fit: fit[1])[0]


def _fit(rows: np.ndarray, items: np.ndarray, share: np.ndarray) -> tuple[Mixture, float]:
    """A mixture by EM from responsibilities (U, M) of distinct votes (U, C), and its criterion."""
    above = _above(rows)
    alpha: np.ndarray | None = None
    last = -np.inf
    for _ in range(MOST_STEPS):
        weighted = share * items[:, np.newaxis]
        alpha = fit_prior(_tallies(above, weighted), alpha, PAIRS_A_STEP)
        mixture = Mixture(weighted.sum(axis=0) / items.sum(), alpha)
        share, logs = _expected(above, mixture)
        likelihood = float(items @ logs)
        if abs(likelihood - last) <= TOLERANCE * items.sum():
            break
        last = likelihood
    parameters = mixture.alpha.size + len(mixture.alpha) - 1
    return mixture, parameters * np.log(items.sum()) - 2 * likelihood


def _above(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, C) counts -> flags (N, C, K), more than m votes for class c, and (N, K), more than m in all."""
    total = votes.sum(axis=1)
    level = np.arange(total.max())
    flags = votes[:, :, np.newaxis] > level, total[:, np.newaxis] > level
    return flags[0].astype(float), flags[1].astype(float)


def _tallies(above: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> VoteTallies:
    """Sums of flags, with the weight (N, M) that each item has in each component."""
    each, total = above
    sums = (weights.T @ each.reshape(len(each), -1)).reshape(-1, *each.shape[1:])
    return VoteTallies(sums, weights.T @ total)


def _expected(above: tuple[np.ndarray, np.ndarray], mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities (N, M), and each item's log-likelihood (N,) up to its multinomial coefficient."""
    each, total = above
    alpha = np.maximum(mixture.alpha, LEAST)
    level = np.arange(total.shape[1])
    rising = np.log(alpha[..., np.newaxis] + level).reshape(len(alpha), -1)
    shrink = np.log(alpha.sum(axis=1, keepdims=True) + level)
    logs = each.reshape(len(each), -1) @ rising.T - total @ shrink.T
    return shared_out(logs, mixture.weights)


def shared_out(logs: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods (N, M), weights (M,) -> responsibilities (N, M), the mixture's log-likelihoods (N,)."""
    joint = logs + np.log(np.maximum(weights, LEAST))
    top = joint.max(axis=1, keepdims=True)
    parts = np.exp(joint - top)
    whole = parts.sum(axis=1, keepdims=True)
    return parts / whole, (top + np.log(whole))[:, 0]
