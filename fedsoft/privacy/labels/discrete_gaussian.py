"""Discrete Gaussian noise on counts of votes."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from fedsoft.privacy.labels.answers import Answers, Unit
from fedsoft.privacy.labels.concentrated import epsilon_of, rho_of
from fedsoft.privacy.labels.histogram import NoisyHistogram
from fedsoft.privacy.labels.laplace import discrete_laplace
from fedsoft.privacy.labels.mechanism import MECHANISMS, told


@MECHANISMS("discrete_gaussian")
class DiscreteGaussian(NoisyHistogram):
    """Gaussian noise on each class's count of votes, in whole numbers; spends a δ beside ε.

    P(z) ∝ e^(-z² / 2σ²) on the integers. Canonne, Kamath, Steinke 2020, arXiv:2004.00010. A unit that gives r
    answers to an image moves its counts by √2 r in L2, so that σ² = (Σ r²) / ρ over its images is ρ-zCDP
    (theorem 14); ρ is the largest that is (ε, δ)-DP (proposition 12). Over many answers of one unit this
    grows with the root of their number, where ε alone grows with the number.
    """

    delta: float = Field(
        gt=0, lt=1, description="probability δ that ε does not hold; below one in the number of units"
    )

    def noise(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Discrete Gaussian noise."""
        sigma = np.sqrt(answers.reach(self.unit, 2) / rho_of(self.epsilon, self.delta))
        return discrete_gaussian(np.broadcast_to(sigma[:, np.newaxis], answers.votes.shape), rng)

    def spent(self, answers: Answers) -> dict[str, float]:
        """By each unit that is known, the most and the mean ε at δ, by composition of ρ; and δ."""
        return told(self._losses(answers)) | {"delta": self.delta}

    def _losses(self, answers: Answers) -> Iterator[tuple[Unit, np.ndarray]]:
        per_vote = rho_of(self.epsilon, self.delta) / answers.reach(self.unit, 2)
        for unit in answers.units:
            shares = answers.shares(unit)
            yield unit, epsilon_of(shares.sums(per_vote, 2)[shares.present()], self.delta)


def discrete_gaussian(sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Integers z with P(z) ∝ e^(-z² / 2σ²).

    Rejection from discrete Laplace numbers (Canonne, Kamath, Steinke 2020, algorithm 3). Nothing is cut off;
    probabilities are rounded as `discrete_laplace` says.

    Args:
        sigma: (...) σ ≥ 0 of each; 0 gives 0.
        rng: draws.
    """
    drawn = np.zeros(sigma.shape, dtype=np.int64)
    open_ = np.flatnonzero(sigma > 0)
    while len(open_):
        s = sigma.flat[open_]
        t = np.floor(s) + 1
        proposed = discrete_laplace(1 / t, s.shape, rng)
        kept = rng.random(len(s)) < np.exp(-((np.abs(proposed) - s**2 / t) ** 2) / (2 * s**2))
        drawn.flat[open_[kept]] = proposed[kept]
        open_ = open_[~kept]
    return drawn
