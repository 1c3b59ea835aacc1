"""Sources that use people's answers as they are."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.annotators import draw_votes
from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.matching import mode_matched, modes
from fedsoft.supervision.source import SOURCES, LabelSource


@SOURCES("human_hard")
class HumanHard(LabelSource):
    """The human majority, one-hot: correction where the label is wrong, error where people are.

    Differs from `hard` in the mode alone.
    """

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """One-hot mode of the soft label, ties at random."""
        return onehot(modes(evidence.need("soft", "human_hard"), rng), evidence.classes)


@SOURCES("human_soft")
class HumanSoft(LabelSource):
    """The distribution of all collected votes: everything that people add, together."""

    linear: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The soft label."""
        return evidence.need("soft", "human_soft")


@SOURCES("votes_k")
class VotesK(LabelSource):
    """A cheap crowd: k of each image's votes, drawn without replacement, as a soft label.

    Differs from `human_soft` in sampling noise only: its expectation is the human soft label.
    """

    linear: ClassVar[bool] = True
    anonymous: ClassVar[bool] = True
    needs_counts: ClassVar[bool] = True

    k: int = Field(ge=1, description="votes bought per example")

    def answers(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """k votes of each image."""
        return draw_votes(evidence.need("votes", "votes_k"), self.k, rng, evidence.fewer)

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The soft label of the drawn votes."""
        return evidence.need("soft", "votes_k")


@SOURCES("human_soft_mode_matched")
class HumanSoftModeMatched(LabelSource):
    """The human soft label with the masses of its mode and of the dataset's label swapped where they differ.

    Differs from `human_soft` in the mode, from `hard` in softness alone.
    """

    sees_labels: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The soft label h with its mode moved to the label: h'."""
        return mode_matched(evidence.need("soft", "human_soft_mode_matched"), evidence.labels, rng)
