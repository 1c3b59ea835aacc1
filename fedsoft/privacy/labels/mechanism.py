"""The base of label mechanisms: answers are told with noise, for which soft labels are corrected."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from fedsoft.privacy.labels.answers import Answers, Unit
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.registry import Options, Registry


class LabelMechanism(Options):
    """Differential privacy of answers, each of which is asked once, whatever is then made of them."""

    epsilon: float = Field(
        ge=1e-6, allow_inf_nan=True, description="privacy loss ε of one unit; infinity is no privacy"
    )
    unit: Unit = Field(
        "vote",
        description="what ε protects: one vote, all of an image's, all of an annotator's where these are "
        "known, or all that a client holds",
    )
    project: bool = Field(
        True,
        description="project soft labels onto the simplex; without, they are unbiased and may be negative",
    )

    @property
    def unit_name(self) -> str:
        """The unit, to stand after an ε."""
        return f"{'a' if self.unit[0] not in 'aeiou' else 'an'} {self.unit}"

    @property
    def off(self) -> bool:
        """Whether nothing is protected."""
        return math.isinf(self.epsilon)

    @property
    def claim(self) -> str:
        """What is promised, in words."""
        return f"ε = {'∞' if self.off else f'{self.epsilon:g}'} {self.unit_name}"

    @model_validator(mode="before")
    @classmethod
    def _delta_where_it_is_spent(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "delta" in given and "delta" not in cls.model_fields:
            raise ValueError("spends ε alone and no `delta`; leave it out")
        return given

    @abstractmethod
    def release(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Noisy soft labels (N, C), corrected for the noise: rows sum to 1, entries may be negative."""

    def uncorrected(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """The soft labels (N, C) of the same draws as `release`'s before they are corrected for the noise;
        those released, where nothing is corrected."""
        return self.release(answers, rng)

    @abstractmethod
    def spent(self, answers: Answers) -> dict[str, float]:
        """The privacy loss of releasing these answers once, by unit: such as ``epsilon_per_vote_max``.

        The most and the mean over units, for each unit that is known; with ``delta`` where one is spent.
        """

    @abstractmethod
    def softening(self, answers: Answers) -> np.ndarray:
        """(N,) γ in [0, 1]: the uniform share that the noise puts, in expectation, into soft labels that are
        not corrected for it; the label smoothing that the noise would be mistaken for."""

    def first_stage(self) -> "LabelMechanism | None":
        """How the first half of the examples is asked, for a model whose predictions are the others' prior;
        None where no prior is needed."""
        return None

    def apply(self, answers: Answers, rng: np.random.Generator) -> np.ndarray:
        """Private soft labels (N, C): rows sum to 1, and are on the simplex where ``project`` says so."""
        soft = self.release(answers, rng)
        return project_to_simplex(soft) if self.project else soft


def told(losses: Iterable[tuple[Unit, np.ndarray]]) -> dict[str, float]:
    """Privacy losses ε (units,) by unit, as `LabelMechanism.spent` names their most and their mean."""
    spent = {}
    for unit, epsilon in losses:
        spent[f"epsilon_per_{unit}_max"] = float(epsilon.max())
        spent[f"epsilon_per_{unit}_mean"] = float(epsilon.mean())
    return spent


MECHANISMS = Registry("label mechanism", LabelMechanism)  # type: ignore[type-abstract]
