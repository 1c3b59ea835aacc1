"""What a study protects, and how: its table ``[privacy]``."""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fedsoft.privacy.labels import MECHANISMS, LabelMechanism

MechanismChoice = Annotated[LabelMechanism, MECHANISMS.validator, MECHANISMS.serializer]


class Privacy(BaseModel):
    """Differential privacy: of the answers that targets are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: MechanismChoice | None = Field(
        None, description="noise on answers before anything is made of them; see `list mechanisms`"
    )

    @property
    def guards_learning(self) -> bool:
        """Whether what models learn from labels is protected, so that nothing beside may see these in the
        clear."""
        return self.labels is not None

    def in_force(self) -> "Privacy | None":
        """The same without what an infinite ε switches off; None where nothing is left."""
        labels = None if self.labels is None or math.isinf(self.labels.epsilon) else self.labels
        return self.model_copy(update={"labels": labels}) if labels else None
