"""A model's uncertainty in place of people's."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.matching import Match, mode_matched, temperature_matched
from fedsoft.supervision.source import SOURCES, LabelSource

Matched = Annotated[Match | None, BeforeValidator(lambda given: None if given == "none" else given)]
"""What is matched; TOML has no word for None."""


class FromModels(LabelSource):
    """What models predict."""

    match: Matched = Field(
        "entropy",
        description='what is matched to the mode-matched human soft labels; "none" leaves predictions be',
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
    @abstractmethod
    def models(self) -> int:
        """How many models are trained to predict, each anew on the same examples."""

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The tempered predictions."""
        targets = evidence.need("predictions", type(self).name)
        if self.match is not None:
            people = mode_matched(evidence.need("soft", type(self).name), evidence.labels, rng)
            targets = temperature_matched(targets, people, self.match)
        if self.mode_matched:
            targets = mode_matched(targets, evidence.labels, rng)
        return targets


@SOURCES("teacher")
class Teacher(FromModels):
    """A model's out-of-fold prediction, tempered to be as soft as people on average.

    The teacher is itself federated (same clients, `hard`, FedAvg, two halves of each client, each
    predicted by the model of the other), trained on the pooled data as a named reference, or a model of your
    own, whose predictions stand beside the data (`predictions`). Examples of which your own model predicts
    nothing train on their label. What it was trained on is not known here: if on these labels, its
    predictions are surer than out-of-fold ones would be.
    """

    own: str | None = Field(
        None,
        description="your own model of that name in dataset.predictions, instead of one trained here",
    )

    @model_validator(mode="after")
    def _trained_or_own(self) -> Self:
        if self.own is not None and self.pooled:
            raise ValueError("own predictions are trained on nothing here; leave `pooled` out")
        return self

    def dump(self) -> dict[str, Any]:
        """As every choice; runs without a model of one's own are called as before there could be one."""
        return {key: value for key, value in super().dump().items() if key != "own" or value is not None}

    @property
    def models(self) -> int:
        """One, or none where the model is the user's own."""
        return 1 if self.own is None else 0

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The tempered predictions; the label where the user's own model has none."""
        if self.own is None or evidence.predictions is None:
            return super().targets(evidence, rng)
        known = np.flatnonzero(~np.isnan(evidence.predictions).any(axis=1))
        targets = onehot(evidence.labels, evidence.classes)
        if len(known):
            targets[known] = super().targets(evidence.subset(known), rng)
        return targets


@SOURCES("ensemble")
class Ensemble(FromModels):
    """The mean of several teachers' out-of-fold predictions, tempered to be as soft as people on average.

    Differs from `teacher` in that the chance of one training is averaged out. Its first model is the teacher.
    """

    members: int = Field(5, ge=2, description="models whose predictions are averaged")

    @property
    def models(self) -> int:
        """Its members."""
        return self.members
