"""Human votes delivered one at a time, as hard labels that change from epoch to epoch."""

from typing import ClassVar

import numpy as np

from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.source import SOURCES, DeliveryName, LabelSource


@SOURCES("stochastic")
class Stochastic(LabelSource):
    """The human soft label as hard ones: in every local epoch one class is drawn from it.

    Gheibi & Ghazizadeh, arXiv:2605.20642. Differs from `human_soft` in the noise of the gradient, whose
    expectation is the same.
    """

    @property
    def delivery(self) -> DeliveryName:
        """One class drawn from the target in each epoch."""
        return "stochastic"

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The soft label that classes are drawn from."""
        return evidence.need("soft", "stochastic")


@SOURCES("multipass")
class Multipass(LabelSource):
    """The image's votes one by one as hard labels: shuffled once, each local epoch takes the next.

    Gheibi & Ghazizadeh, arXiv:2605.20642. Differs from `stochastic` in that every vote is used equally
    often. Epochs are counted by the server's rounds, so a client that sits a round out skips its votes.
    """

    needs_counts: ClassVar[bool] = True

    @property
    def delivery(self) -> DeliveryName:
        """The next vote in each epoch."""
        return "multipass"

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The soft label: the mean of what is delivered over as many epochs as there are votes."""
        return evidence.need("soft", "multipass")
