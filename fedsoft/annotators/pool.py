"""The people behind one client's votes."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import Field

from fedsoft.annotators.noise import NOISES, AnnotatorNoise, NoNoise, moved
from fedsoft.annotators.sampling import draw_votes
from fedsoft.annotators.single import keep_drawn, relabel
from fedsoft.datasets import Annotations
from fedsoft.registry import Options


class AnnotatorPool(Options):
    """How many votes a client buys on each image, and how carefully they are given."""

    votes: int | None = Field(None, ge=1, description="votes bought per example; without it, all there are")
    noise: Annotated[AnnotatorNoise, NOISES.validator, NOISES.serializer] = Field(
        default_factory=NoNoise, description="annotators' slips"
    )

    @property
    def takes_all(self) -> bool:
        """Whether all votes there are come in unchanged."""
        return self.votes is None and isinstance(self.noise, NoNoise)

    def draw(self, votes: np.ndarray, rng: np.random.Generator, fewer: bool = False) -> np.ndarray:
        """The votes (N, C) that are bought of all there are (N, C), before any slip.

        Images without any vote stay without.

        Raises:
            FewVotesError: an image has fewer votes than are bought, and ``fewer`` does not allow that.
        """
        if self.votes is None:
            return votes
        return draw_votes(votes, self.votes, rng, fewer)

    def collect(
        self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator, fewer: bool = False
    ) -> np.ndarray:
        """The votes that this pool would give.

        Args:
            votes: (N, C) counts: all votes there are.
            labels: (N,) class indices.
            rng: draws votes and slips.
            fewer: take all votes of an image that has fewer than are bought.

        Returns:
            (N, C) int64 counts.

        Raises:
            FewVotesError: an image has fewer votes than are bought.
        """
        return self.noise.apply(self.draw(votes, rng, fewer), labels, rng)

    def collect_answers(
        self,
        votes: np.ndarray,
        labels: np.ndarray,
        answers: Annotations,
        stream: Callable[[str], np.random.Generator],
        fewer: bool = False,
    ) -> tuple[np.ndarray, Annotations]:
        """The votes that this pool would give, the same as `collect` gives, and whose answers they are.

        Args:
            votes: (N, C) counts of the answers.
            labels: (N,) class indices.
            answers: who answered what.
            stream: gives the generator for a purpose; that of "votes collected" draws votes and slips.
            fewer: take all votes of an image that has fewer than are bought.

        Raises:
            FewVotesError: an image has fewer votes than are bought.
        """
        rng, who = stream("votes collected"), stream("whose votes")
        drawn = self.draw(votes, rng, fewer)
        answers = keep_drawn(answers, drawn, who)
        moves = list(self.noise.moves(drawn, labels, rng))
        return moved(drawn, moves), relabel(answers, moves, who)
