"""Private soft labels: votes leave their annotator randomized, and the soft label is corrected for it."""

from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.errors import DataError
from fedsoft.privacy.randomized_response import project_to_simplex, randomize, unbias
from fedsoft.registry import Options


class LabelPrivacy(Options):
    """Local differential privacy of the votes, by randomized response.

    The number of votes on an image is taken as public. With unit "image", an image's n votes get ε/n each,
    so that together they spend ε (basic composition).
    """

    epsilon: float = Field(
        ge=1e-6, allow_inf_nan=True, description="privacy loss ε of one unit; infinity is no privacy"
    )
    unit: Literal["vote", "image"] = Field(
        "vote", description="what ε protects: one vote, or all of an image's"
    )
    project: bool = Field(
        True,
        description="project soft labels onto the simplex; without, they are unbiased and may be negative",
    )

    def apply(self, votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Private soft labels.

        Args:
            votes: (N, C) counts, at least one vote an image.
            rng: draws the randomized answers.

        Returns:
            (N, C) rows that sum to 1.

        Raises:
            DataError: an image has no vote.
        """
        epsilon = self.per_vote(votes)
        soft = unbias(randomize(votes, epsilon, rng), epsilon)
        return project_to_simplex(soft) if self.project else soft

    def per_vote(self, votes: np.ndarray) -> np.ndarray:
        """(N,) ε that one vote of each image gets.

        Raises:
            DataError: an image has no vote.
        """
        total = votes.sum(axis=1)
        if not total.all():
            first = int(np.flatnonzero(total == 0)[0])
            raise DataError(f"image {first} has no vote to make private; leave images without votes out.")
        return self.epsilon / total if self.unit == "image" else np.full(len(votes), self.epsilon)

    def spent(self, votes: np.ndarray) -> dict[str, float]:
        """The privacy loss of releasing these (N, C) votes once, by basic composition.

        Returns:
            ``epsilon_per_vote_max`` and ``_mean``, ``epsilon_per_image_max`` and ``_mean`` over images.

        Raises:
            DataError: an image has no vote.
        """
        per_vote = self.per_vote(votes)
        per_image = per_vote * votes.sum(axis=1)
        return {
            "epsilon_per_vote_max": float(per_vote.max()),
            "epsilon_per_vote_mean": float(per_vote.mean()),
            "epsilon_per_image_max": float(per_image.max()),
            "epsilon_per_image_mean": float(per_image.mean()),
        }
