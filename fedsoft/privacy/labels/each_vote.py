"""Mechanisms that tell each vote by itself, as another one now and then."""

from collections.abc import Iterator

import numpy as np

from fedsoft.privacy.labels.answers import Answers, Unit
from fedsoft.privacy.labels.mechanism import LabelMechanism, told


class EachVote(LabelMechanism):
    """ε of a unit is split evenly over the answers that it gave (basic composition)."""

    def asked(self, answers: Answers) -> tuple[Answers, np.ndarray]:
        """What is told together, as examples, and (R,) the ε of each vote of it.

        An example's votes, or, where ε protects annotators, single answers: each person's have an ε of
        their own.
        """
        if self.unit == "annotator":
            return answers.one_by_one(), self.epsilon / answers.given[answers.by_whom.annotator]
        epsilon: np.ndarray = self.epsilon / answers.reach(self.unit, 1)
        return answers, epsilon

    def together(self, answers: Answers, asked: np.ndarray) -> np.ndarray:
        """(N, C) sums, by example, of what `asked` gave apart: rows (R, C)."""
        if self.unit != "annotator":
            return asked
        sums = np.zeros(answers.votes.shape, dtype=asked.dtype)
        np.add.at(sums, answers.by_whom.item, asked)
        return sums

    def spent(self, answers: Answers) -> dict[str, float]:
        """By each unit that is known, the most and the mean, by basic composition."""
        return told(self._losses(answers))

    def _losses(self, answers: Answers) -> Iterator[tuple[Unit, np.ndarray]]:
        asked, epsilon = self.asked(answers)
        if self.unit != "annotator":
            for unit in answers.units:
                shares = answers.shares(unit)
                yield unit, shares.sums(epsilon)[shares.present()]
            return
        given = answers.by_whom
        yield "vote", epsilon
        for unit, number in (("image", given.item), ("annotator", given.annotator), ("client", asked.client)):
            yield unit, np.bincount(number, epsilon)[np.unique(number)]

    def softening(self, answers: Answers) -> np.ndarray:
        """γ = C / (e^ε + C - 1), on average over an example's votes."""
        _, epsilon = self.asked(answers)
        t, classes = np.exp(-epsilon), answers.votes.shape[1]
        gamma: np.ndarray = classes * t / (1 + (classes - 1) * t)
        if self.unit != "annotator":
            return gamma
        return np.bincount(answers.by_whom.item, gamma, len(answers)) / answers.total
