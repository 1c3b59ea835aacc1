"""What a study protects, and how: its table ``[privacy]``."""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fedsoft.privacy.labels import MECHANISMS, LabelMechanism
from fedsoft.privacy.secure_sum import SecureSum

MechanismChoice = Annotated[LabelMechanism, MECHANISMS.validator, MECHANISMS.serializer]


class Privacy(BaseModel):
    """What is hidden: of the answers that targets are made of, and of the models that clients send."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: MechanismChoice | None = Field(
        None, description="noise on answers before anything is made of them; see `list mechanisms`"
    )
    secure_sum: SecureSum | None = Field(
        None, description="clients' updates reach the server in sum alone; `{}` for the defaults"
    )

    def in_force(self) -> "Privacy | None":
        """The same without what an infinite ε switches off; None where nothing is left."""
        labels = None if self.labels is None or math.isinf(self.labels.epsilon) else self.labels
        return self.model_copy(update={"labels": labels}).or_none()

    def or_none(self) -> "Privacy | None":
        """The same; None where it protects nothing."""
        return self if any(part is not None for _, part in self) else None

    def of_sums(self) -> "Privacy | None":
        """What it says of sums alone."""
        return Privacy(secure_sum=self.secure_sum).or_none()
