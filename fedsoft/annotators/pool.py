"""The people behind one client's votes."""

from typing import Annotated

import numpy as np
from pydantic import Field

from fedsoft.annotators.noise import NOISES, AnnotatorNoise, NoNoise
from fedsoft.annotators.sampling import draw_votes
from fedsoft.registry import Options


class AnnotatorPool(Options):
    """How many votes a client buys on each image, and how carefully they are given."""

    votes: int | None = Field(None, ge=1, description="votes bought per example; without it, all there are")
    noise: Annotated[AnnotatorNoise, NOISES.validator, NOISES.serializer] = Field(
        default_factory=NoNoise, description="annotators' slips"
    )

    @property
    def takes_all(self) -> bool:
        """Whether all votes there are come in unchanged, so that it is known who gave which."""
        return self.votes is None and isinstance(self.noise, NoNoise)

    def draw(self, votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The votes (N, C) that are bought of all there are (N, C), before any slip.

        Raises:
            DataError: an image has fewer votes than are bought.
        """
        return votes if self.votes is None else draw_votes(votes, self.votes, rng)

    def collect(self, votes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The votes that this pool would give.

        Args:
            votes: (N, C) counts: all votes there are.
            labels: (N,) class indices.
            rng: draws votes and slips.

        Returns:
            (N, C) int64 counts.

        Raises:
            DataError: an image has fewer votes than are bought.
        """
        return self.noise.apply(self.draw(votes, rng), labels, rng)
