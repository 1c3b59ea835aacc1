"""The base of label mechanisms: answers are told with noise, for which soft labels are corrected."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.errors import DataError
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.registry import Options, Registry

Unit = Literal["vote", "image"]


@dataclass(frozen=True)
class Answers:
    """The answers that targets of N examples are made of, before noise.

    Attributes:
        votes: (N, C) counts, at least one vote an example.
        client: (N,) client that holds each example.

    Raises:
        DataError: an example has no vote.
    """

    votes: np.ndarray
    client: np.ndarray

    def __post_init__(self) -> None:
        if not self.votes.any(axis=1).all():
            first = int(np.flatnonzero(~self.votes.any(axis=1))[0])
            raise DataError(f"image {first} has no vote to make private; leave images without votes out.")

    @property
    def total(self) -> np.ndarray:
        """(N,) votes of each example, taken as public."""
        total: np.ndarray = self.votes.sum(axis=1)
        return total


class LabelMechanism(Options):
    """Differential privacy of answers, each of which is asked once, whatever is then made of them."""

    epsilon: float = Field(
        ge=1e-6, allow_inf_nan=True, description="privacy loss ε of one unit; infinity is no privacy"
    )
    unit: Unit = Field("vote", description="what ε protects: one vote, or all of an image's")
    project: bool = Field(
        True,
        description="project soft labels onto the simplex; without, they are unbiased and may be negative",
    )

    @abstractmethod
    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Noisy soft labels (N, C), corrected for the noise: rows sum to 1, entries may be negative."""

    def uncorrected(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """The soft labels (N, C) of the same draws as `release`'s before they are corrected for the noise;
        those released, where nothing is corrected."""
        return self.release(answers, rng)

    @abstractmethod
    def spent(self, answers: Answers) -> dict[str, float]:
        """The privacy loss of releasing these answers once, by unit: such as ``epsilon_per_vote_max``."""

    def softening(self, answers: Answers) -> np.ndarray:
        """(N,) γ in [0, 1]: the uniform share that the noise puts, in expectation, into soft labels that are
        not corrected for it; the label smoothing that the noise would be mistaken for."""
        raise NotImplementedError

    def apply(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Private soft labels (N, C): rows sum to 1, and are on the simplex where ``project`` says so."""
        soft = self.release(answers, rng)
        return project_to_simplex(soft) if self.project else soft


MECHANISMS = Registry("label mechanism", LabelMechanism)  # type: ignore[type-abstract]
