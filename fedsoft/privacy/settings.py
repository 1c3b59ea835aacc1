"""What a study protects, and how: its table ``[privacy]``."""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fedsoft.privacy.labels import MECHANISMS, LabelMechanism
from fedsoft.privacy.models import MODEL_MECHANISMS, ModelMechanism

MechanismChoice = Annotated[LabelMechanism, MECHANISMS.validator, MECHANISMS.serializer]
ModelMechanismChoice = Annotated[ModelMechanism, MODEL_MECHANISMS.validator, MODEL_MECHANISMS.serializer]


class Privacy(BaseModel):
    """Differential privacy: of the answers that targets are made of, and of what training releases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: MechanismChoice | None = Field(
        None, description="noise on answers before anything is made of them; see `list mechanisms`"
    )
    model: ModelMechanismChoice | None = Field(
        None, description="noise on what training releases; see `list model-mechanisms`"
    )
    delta: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="chance that `model` fails its ε: less than one over the number of what it protects",
    )

    @model_validator(mode="after")
    def _delta_stated(self) -> Self:
        if self.model and not self.model.off and self.delta is None:
            raise ValueError(
                "delta is required beside `model`; set it below one over the number of "
                f"{self.model.unit}s, such as 1e-5"
            )
        return self

    def in_force(self) -> "Privacy | None":
        """The same without what an infinite ε switches off; None where nothing is left."""
        labels = None if self.labels is None or math.isinf(self.labels.epsilon) else self.labels
        model = None if self.model is None or self.model.off else self.model
        delta = self.delta if model else None
        left = labels or model
        return self.model_copy(update={"labels": labels, "model": model, "delta": delta}) if left else None
