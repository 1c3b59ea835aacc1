"""The control of label privacy: uniform smoothing, as much as the noise would do it."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.source import SOURCES, DeliveryName, LabelSource


@SOURCES("noise_matched")
class NoiseMatched(LabelSource):
    """Another source's target in the clear, smoothed as much as the study's label privacy would soften it.

    A share γ of the target is spread evenly over the classes, example by example: in expectation, what the
    mechanism makes of soft labels that are not corrected for it (`LabelMechanism.softening`; for k-ary
    randomized response γ = C / (e^ε + C - 1)). A gain that this shows too is softness, and no merit of
    private labels. It sees answers in the clear, so it is an instrument: studies with label privacy have one
    beside each source, and nobody lists it.
    """

    linear: ClassVar[bool] = True  # it is never given a private soft label, which might leave the simplex
    in_the_clear: ClassVar[bool] = True

    of: Annotated[LabelSource, SOURCES.validator, SOURCES.serializer] = Field(
        description="the source whose targets are smoothed"
    )

    def label(self) -> str:
        """Such as ``smoothing as private human_soft``."""
        return label_of_control(self.of.label())

    @property
    def delivery(self) -> DeliveryName:
        """As the source's."""
        return self.of.delivery

    @property
    def anonymous(self) -> bool:
        """As the source's."""
        return self.of.anonymous

    @property
    def needs_votes(self) -> bool:
        """If the source does."""
        return self.of.needs_votes

    @property
    def borrows_rate(self) -> bool:
        """If the source does."""
        return self.of.borrows_rate

    def answers(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray | None:
        """The source's."""
        return self.of.answers(evidence, rng)

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """(1 - γ) of the source's target in the clear, γ spread evenly; γ is 0 where nothing is private."""
        clear = self.of.targets(evidence, rng)
        if evidence.softening is None:
            return clear
        gamma = evidence.softening[:, None]
        return (1 - gamma) * clear + gamma / evidence.classes


def label_of_control(source: str) -> str:
    """What the control of a source is called, by the source's label."""
    return f"smoothing as private {source}"
