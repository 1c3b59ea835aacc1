"""Laplace noise on counts of votes."""

from collections.abc import Iterator

import numpy as np

from fedsoft.privacy.labels.answers import Answers, Unit
from fedsoft.privacy.labels.histogram import NoisyHistogram
from fedsoft.privacy.labels.mechanism import MECHANISMS, told


@MECHANISMS("laplace")
class Laplace(NoisyHistogram):
    """Laplace noise on each class's count of votes, in whole numbers (the geometric mechanism).

    P(z) ∝ e^(-|z| / b) on the integers, b = 2 m / ε where the unit moves m votes: one, an image's n, all m of
    a client, or, on each image, as many as the busiest of its annotators gave in all. Ghosh, Roughgarden,
    Sundararajan 2012, arXiv:0811.2841. Counts are whole, so the noise is, too: real-valued Laplace noise
    shows in its last bits which count it was added to (Mironov 2012).
    """

    def noise(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Two-sided geometric noise."""
        per_vote = self._per_vote(answers)
        return discrete_laplace(per_vote[:, np.newaxis] / 2, answers.votes.shape, rng)

    def spent(self, answers: Answers) -> dict[str, float]:
        """By each unit that is known, the most and the mean, by basic composition."""
        return told(self._losses(answers))

    def _per_vote(self, answers: Answers) -> np.ndarray:
        """(N,) ε of moving one vote of each example, which changes two counts."""
        epsilon: np.ndarray = self.epsilon / answers.reach(self.unit, 1)
        return epsilon

    def _losses(self, answers: Answers) -> Iterator[tuple[Unit, np.ndarray]]:
        per_vote = self._per_vote(answers)
        for unit in answers.units:
            shares = answers.shares(unit)
            yield unit, shares.sums(per_vote)[shares.present()]


def discrete_laplace(
    rate: float | np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Integers z with P(z) = (1 - q) / (1 + q) q^|z|, q = e^-rate: variance 2q / (1 - q)².

    The difference of two geometric numbers. NumPy draws these from floating-point numbers, which rounds
    probabilities by some 1e-16: right for a simulation, and no protection from who can predict the generator.

    Args:
        rate: 1/b in (0, ∞], for all or broadcast to the shape; infinity gives 0.
        shape: of what is drawn.
        rng: draws.
    """
    success = -np.expm1(-np.asarray(rate, dtype=float))
    drawn: np.ndarray = rng.geometric(success, shape) - rng.geometric(success, shape)
    return drawn
