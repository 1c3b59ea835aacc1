"""One side of a comparison."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fedsoft.config.choices import CalibratorChoice, Changes, SourceChoice
from fedsoft.training import Training, changed, changes_of


class Arm(BaseModel):
    """One side of a comparison: a label source, what training does unlike the study's, and what comes after.

    A source that differs in more than its labels is a rival: another way to calibration. So is a model of the
    user's own, of which nothing is trained here: its predictions stand beside the data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: SourceChoice | None = Field(None, description="what it trains on; required, but with `own`")
    own: str | None = Field(
        None,
        description="instead of `source`: your own model of that name in dataset.predictions, as it is",
    )
    training: Changes = Field(Training(), description="any keys of [training], where they differ from it")
    members: int = Field(1, ge=1, description="models trained, whose predictions are averaged")
    calibration: CalibratorChoice | None = Field(
        None, description="fitted to predictions on validation examples, after training"
    )

    def label(self) -> str:
        """The source's label and what sets it apart, such as ``hard + focal`` or ``hard + ensemble of 5``."""
        name = f"own model {self.own}" if self.source is None else self.source.label()
        spelled = changes_of(self.training)
        if self.members > 1:
            spelled.append(f"ensemble of {self.members}")
        if self.calibration:
            spelled.append(self.calibration.label())
        return " + ".join([name, *spelled])

    @model_validator(mode="after")
    def _trained_or_own(self) -> Self:
        if self.source is None and self.own is None:
            raise ValueError("key 'source' is required, or 'own' for a model of your own")
        if self.own is not None and (self.source or self.training.model_fields_set or self.members > 1):
            raise ValueError(
                f"own = {self.own!r} is a model of your own, which is not trained here; leave source, "
                "training and members out"
            )
        return self

    def trained(self, usual: Training) -> Training:
        """The study's training with the changes."""
        return changed(usual, self.training)
