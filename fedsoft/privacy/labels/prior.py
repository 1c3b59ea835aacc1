"""Randomized response among the classes that a prior holds likely: label privacy in two stages."""

import numpy as np
from pydantic import field_validator

from fedsoft.privacy.labels.answers import Answers
from fedsoft.privacy.labels.each_vote import EachVote
from fedsoft.privacy.labels.mechanism import MECHANISMS
from fedsoft.privacy.labels.randomized_response import RandomizedResponse, randomize


@MECHANISMS("rr_with_prior")
class RRWithPrior(EachVote):
    """Votes told among the classes that a first model holds likely for the image: two stages (LP-2ST).

    Ghazi et al. 2021, arXiv:2102.06062. Half of each client's examples is asked by `randomized_response`; a
    model trained on these answers predicts the other half, and is the prior that their votes are told by.
    The run itself trains on both halves, each asked once. Answers to classes that were left out are told as
    others, which nothing can correct: the soft label is the share of the private votes as they are.
    """

    @field_validator("project")
    @classmethod
    def _nothing_to_project(cls, project: bool) -> bool:
        if not project:
            raise ValueError("private votes are not corrected here, and so on the simplex; leave it out")
        return project

    def first_stage(self) -> RandomizedResponse:
        """Randomized response at the same ε."""
        return RandomizedResponse(epsilon=self.epsilon, unit=self.unit)

    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Shares of the private votes: on the simplex, and not corrected.

        Votes on examples without a prior are drawn first, just as `first_stage` draws them where it is asked
        about these examples alone, with the same generator.
        """
        lacks = np.ones(len(answers), dtype=bool)
        if answers.prior is not None:
            lacks = np.isnan(answers.prior).any(axis=1)
        private = np.empty(answers.votes.shape, dtype=np.int64)
        for rows in (np.flatnonzero(lacks), np.flatnonzero(~lacks)):
            if len(rows):
                some = answers.subset(rows)
                asked, epsilon = self.asked(some)
                if lacks[rows[0]] or asked.prior is None:
                    votes = randomize(asked.votes, epsilon, rng)
                else:
                    votes = respond(asked.votes, asked.prior, epsilon, rng)
                private[rows] = self.together(some, votes)
        share: np.ndarray = private / answers.total[:, np.newaxis]
        return share


def likely(prior: np.ndarray, epsilon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes that a vote may be told as: the k likeliest, with k such that most votes are told truly.

    k = argmax over k of e^ε / (e^ε + k - 1) × Σ of the prior over the k likeliest classes (Ghazi et al. 2021,
    algorithm 2). The vote itself has no part in it: or else ε would be spent here too.

    Args:
        prior: (N, C) probabilities.
        epsilon: (N,) ε of each vote.

    Returns:
        (N, C) classes, the likeliest first, and (N,) k.
    """
    order = np.argsort(-prior, axis=1, kind="stable")
    mass = np.cumsum(np.take_along_axis(prior, order, axis=1), axis=1)
    others = np.arange(prior.shape[1])
    return order, 1 + (mass / (1 + others * np.exp(-epsilon)[:, np.newaxis])).argmax(axis=1)


def respond(
    votes: np.ndarray, prior: np.ndarray, epsilon: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Randomized response among the k likeliest classes (RRTop-k, with the k of `likely`).

    A vote for one of these is told truly with probability e^ε / (e^ε + k - 1), else as one of the others,
    evenly; a vote for any other class is told as one of the k, evenly. Were it told as any of the C, no ε
    would be kept.

    Args:
        votes: (N, C) counts.
        prior: (N, C) probabilities, which owe nothing to these votes.
        epsilon: (N,) ε of each vote in (0, ∞].
        rng: draws the answers.

    Returns:
        (N, C) int64 counts; each row's total is kept.
    """
    order, k = likely(prior, epsilon)
    # The likeliest class last: it takes what rounding leaves of the probability, and is always allowed.
    order = order[:, ::-1]
    votes = np.take_along_axis(votes, order, axis=1)
    classes, t, size = votes.shape[1], np.exp(-epsilon), k[:, np.newaxis]
    allowed = np.arange(classes) >= classes - size
    lie = t / (1 + (k - 1) * t)
    told = np.zeros_like(votes)
    for c in range(classes):
        prob = np.where(allowed, np.where(allowed[:, [c]], lie[:, np.newaxis], 1 / size), 0.0)
        prob[:, c] = np.where(allowed[:, c], 1 / (1 + (k - 1) * t), 0.0)
        told += rng.multinomial(votes[:, c], prob)
    private = np.empty_like(told)
    np.put_along_axis(private, order, told, axis=1)
    return private
