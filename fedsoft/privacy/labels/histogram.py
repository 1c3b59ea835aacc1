"""Mechanisms that add noise to how often each class was the answer."""

from abc import abstractmethod

import numpy as np

from fedsoft.privacy.labels.answers import Answers
from fedsoft.privacy.labels.mechanism import LabelMechanism
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.streams import stream

ENOUGH = 10_000
"""Examples over which a softening is averaged, the same ones again if there are fewer."""


class NoisyHistogram(LabelMechanism):
    """Whole-numbered noise on each class's count of votes, all alike within an example.

    One vote that names another class moves two counts by one, so a unit that gave r answers to an example
    changes its counts by at most 2r in L1, and by √2 r in L2.
    """

    @abstractmethod
    def noise(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """(N, C) int64 noise, of mean 0."""

    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Shares of the noisy counts, unbiased: what noise adds to a row in all is taken off it evenly."""
        noisy = (answers.votes + self.noise(answers, rng)).astype(np.float64)
        surplus = noisy.sum(axis=1) - answers.total
        noisy -= surplus[:, np.newaxis] / noisy.shape[1]
        share: np.ndarray = noisy / answers.total[:, np.newaxis]
        return share

    def softening(self, answers: Answers) -> np.ndarray:
        """The one γ at which smoothing leaves people's likeliest class as much as projected labels do.

        Unbiased labels have no such share; it is the projection onto the simplex that shrinks them in
        expectation. γ = (h - p) / (h - 1/C), where h is the mean share of each example's likeliest class and
        p its mean mass in projected private labels, found by drawing these. For votes told by randomized
        response and not corrected, the same formula gives C / (e^ε + C - 1). Mean top mass would not do: the
        projection of much noise is one class alone, at random, which is sure and knows nothing.
        """
        rows, top = np.arange(len(answers)), answers.votes.argmax(axis=1)
        clear = float((answers.votes[rows, top] / answers.total).mean())
        rng, draws = stream("softening"), -(-ENOUGH // len(answers))
        private = [project_to_simplex(self.release(answers, rng))[rows, top].mean() for _ in range(draws)]
        chance = 1 / answers.votes.shape[1]
        gamma = 0.0 if clear <= chance else (clear - float(np.mean(private))) / (clear - chance)
        return np.full(len(answers), min(max(gamma, 0.0), 1.0))
