"""What a study protects, and how: its table ``[privacy]``."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fedsoft.privacy.labels import MECHANISMS, LabelMechanism
from fedsoft.privacy.models import MODEL_MECHANISMS, DpFedAvg, ModelMechanism
from fedsoft.privacy.secure_sum import SecureSum

MechanismChoice = Annotated[LabelMechanism, MECHANISMS.validator, MECHANISMS.serializer]
ModelMechanismChoice = Annotated[ModelMechanism, MODEL_MECHANISMS.validator, MODEL_MECHANISMS.serializer]


class Privacy(BaseModel):
    """What is hidden: answers that targets are made of, what training releases, what clients send."""

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

    secure_sum: SecureSum | None = Field(
        None, description="clients' updates reach the server in sum alone; `{}` for the defaults"
    )

    @model_validator(mode="after")
    def _delta_stated(self) -> Self:
        if self.model and not self.model.off and self.delta is None:
            raise ValueError(
                "delta is required beside `model`; set it below one over the number of "
                f"{self.model.unit}s, such as 1e-5"
            )
        if self.delta is not None and self.model is None:
            raise ValueError(
                "delta is of what `model` spends, and there is no model; leave it out (a label mechanism "
                "that takes one has its own)"
            )
        return self

    @model_validator(mode="after")
    def _clipped_where_it_is_seen(self) -> Self:
        if self.secure_sum and isinstance(self.model, DpFedAvg) and self.model.side == "server":
            raise ValueError(
                "secure_sum hides clients' updates from the server, which therefore cannot clip them; set "
                'model.side = "client"'
            )
        return self

    @property
    def guards_learning(self) -> bool:
        """Whether what models learn from labels is protected, so that nothing beside may see these in the
        clear."""
        return self.labels is not None or self.model is not None

    def in_force(self) -> "Privacy | None":
        """The same without what an infinite ε switches off; None where nothing is left."""
        labels = None if self.labels is None or self.labels.off else self.labels
        model = None if self.model is None or self.model.off else self.model
        delta = self.delta if model else None
        return self.model_copy(update={"labels": labels, "model": model, "delta": delta}).or_none()

    def or_none(self) -> "Privacy | None":
        """The same; None where it protects nothing."""
        return self if any(part is not None for _, part in self) else None

    def of_sums(self) -> "Privacy | None":
        """What it says of sums alone."""
        return Privacy(secure_sum=self.secure_sum).or_none()
