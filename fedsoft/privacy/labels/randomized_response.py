"""k-ary randomized response: differential privacy for a single vote."""

import numpy as np

from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.privacy.labels.mechanism import MECHANISMS, Answers, LabelMechanism


@MECHANISMS("randomized_response")
class RandomizedResponse(LabelMechanism):
    """Each vote is told truly, or as one of the other classes; what is left of it in the mean is scaled up.

    Warner 1965; Kairouz, Bonawitz, Ramage 2016, arXiv:1602.07387. With unit "image", an image's n votes get
    ε/n each, so that together they spend ε (basic composition).
    """

    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Soft labels of randomized votes, unbiased."""
        epsilon = self.per_vote(answers)
        return unbias(randomize(answers.votes, epsilon, rng), epsilon)

    def uncorrected(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Shares of randomized votes."""
        told = randomize(answers.votes, self.per_vote(answers), rng)
        return told / answers.total[:, None]

    def per_vote(self, answers: Answers) -> np.ndarray:
        """(N,) ε that one vote of each image gets."""
        share = answers.total if self.unit == "image" else np.ones(len(answers.votes))
        epsilon: np.ndarray = self.epsilon / share
        return epsilon

    def spent(self, answers: Answers) -> dict[str, float]:
        """By vote and by image, the most and the mean over images, by basic composition."""
        per_vote = self.per_vote(answers)
        per_image = per_vote * answers.total
        return {
            "epsilon_per_vote_max": float(per_vote.max()),
            "epsilon_per_vote_mean": float(per_vote.mean()),
            "epsilon_per_image_max": float(per_image.max()),
            "epsilon_per_image_mean": float(per_image.mean()),
        }

    def softening(self, answers: Answers) -> np.ndarray:
        """γ = C / (e^ε + C - 1)."""
        t, classes = np.exp(-self.per_vote(answers)), answers.votes.shape[1]
        gamma: np.ndarray = classes * t / (1 + (classes - 1) * t)
        return gamma


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
