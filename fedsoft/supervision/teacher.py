"""A model's uncertainty in place of people's."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.matching import Match, mode_matched, temperature_matched
from fedsoft.supervision.source import SOURCES, LabelSource


@SOURCES("teacher")
class Teacher(LabelSource):
    """A model's out-of-fold prediction, tempered to be as soft as people on average.

    The teacher is itself federated (same clients, `hard`, FedAvg, two halves of each client, each
    predicted by the model of the other), or trained on the pooled data as a named reference.
    """

    match: Match | None = Field(
        "entropy", description="what is matched to the mode-matched human soft labels"
    )
    mode_matched: bool = Field(False, description="move the prediction's mode to the label")
    pooled: bool = Field(False, description="train the teacher on the pooled data of all clients")

    needs_predictions: ClassVar[bool] = True

    @property
    def needs_votes(self) -> bool:
        """A matched teacher looks at votes, to be as soft; an unmatched one does not."""
        return self.match is not None

    @property
    def borrows_rate(self) -> bool:
        """A matched teacher takes its one temperature from people."""
        return self.match is not None

    @property
    def models(self) -> int:
        """How many models predict, each trained anew on the same examples."""
        return 1

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The tempered predictions."""
        targets = evidence.need("predictions", type(self).name)
        if self.match is not None:
            people = mode_matched(evidence.need("soft", type(self).name), evidence.labels, rng)
            targets = temperature_matched(targets, people, self.match)
        if self.mode_matched:
            targets = mode_matched(targets, evidence.labels, rng)
        return targets


@SOURCES("ensemble")
class Ensemble(Teacher):
    """The mean of several teachers' out-of-fold predictions, tempered to be as soft as people on average.

    Differs from `teacher` in that the chance of one training is averaged out. Its first model is the teacher.
    """

    members: int = Field(5, ge=2, description="models whose predictions are averaged")

    @property
    def models(self) -> int:
        """Its members."""
        return self.members
