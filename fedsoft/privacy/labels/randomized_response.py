"""k-ary randomized response: votes that are told by chance as others."""

import numpy as np

from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.privacy.labels.answers import Answers
from fedsoft.privacy.labels.each_vote import EachVote
from fedsoft.privacy.labels.mechanism import MECHANISMS


@MECHANISMS("randomized_response")
class RandomizedResponse(EachVote):
    """Each vote is told truly, or as one of the other classes; what is left of it in the mean is scaled up.

    Warner 1965; Kairouz, Bonawitz, Ramage 2016, arXiv:1602.07387. A unit's ε is split evenly over its
    votes, so that together they spend ε (basic composition): with unit "image", an image's n votes get ε/n
    each, with "annotator" a person's m answers ε/m each.
    """

    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Soft labels of randomized votes, unbiased."""
        asked, epsilon = self.asked(answers)
        soft = unbias(randomize(asked.votes, epsilon, rng), epsilon)
        if asked is answers:
            return soft
        mean: np.ndarray = self.together(answers, soft) / answers.total[:, np.newaxis]
        return mean


def randomize(votes: np.ndarray, epsilon: float | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each vote says the truth with probability e^ε / (e^ε + C - 1), else one of the other classes, evenly.

    No vote's answer changes the probability of any output by more than a factor e^ε (local differential
    privacy of the vote). Warner 1965; Kairouz, Bonawitz, Ramage 2016, arXiv:1602.07387.

    Args:
        votes: (N, C) counts.
        epsilon: ε of each vote in (0, ∞], one for all or (N,) one an image; infinity changes nothing.
        rng: draws the answers.

    Returns:
        (N, C) int64 counts; each row's total is kept.
    """
    lie = np.exp(-np.asarray(epsilon, dtype=float)) * (votes.shape[1] - 1)
    return slip(votes, lie / (1 + lie), uniform_others(votes.shape[1]), rng)


def unbias(private_votes: np.ndarray, epsilon: float | np.ndarray) -> np.ndarray:
    """The soft label whose expectation is that of the votes before they were randomized.

    p̂ = (p̃ - γ/C) / (1 - γ) with γ = C / (e^ε + C - 1), where p̃ is the share of the private votes.

    Args:
        private_votes: (N, C) counts from `randomize`, at least one vote an image.
        epsilon: ε of each vote in (0, ∞], one for all or (N,) one an image.

    Returns:
        (N, C) rows that sum to 1; entries may be negative or above 1.
    """
    classes = private_votes.shape[1]
    share = private_votes / private_votes.sum(axis=1, keepdims=True)
    # With t = e^-ε, γ/C = t / (1 + (C-1) t) and 1 - γ = (1 - t) / (1 + (C-1) t): no overflow at large ε.
    minus = -np.reshape(np.asarray(epsilon, dtype=float), (-1, 1))
    t = np.exp(minus)
    return (share * (1 + (classes - 1) * t) - t) / -np.expm1(minus)
