"""The baseline."""

from typing import ClassVar

import numpy as np

from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.source import SOURCES, LabelSource


@SOURCES("hard")
class Hard(LabelSource):
    """The dataset's label, one-hot: the baseline.

    With privacy, the label counts as one answer.
    """

    linear: ClassVar[bool] = True
    anonymous: ClassVar[bool] = True

    @property
    def needs_votes(self) -> bool:
        """The label is enough."""
        return False

    def answers(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """One answer an example: its label."""
        return onehot(evidence.labels, evidence.classes).astype(np.int64)

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The answer as it is, or as privacy left it."""
        return evidence.need("soft", "hard")
