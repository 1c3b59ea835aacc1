"""Privacy: mechanisms and accounting, as pure arithmetic."""

from fedsoft.privacy.labels import (
    MECHANISMS,
    Answers,
    DiscreteGaussian,
    LabelMechanism,
    Laplace,
    RandomizedResponse,
    RRWithPrior,
    Unit,
)
from fedsoft.privacy.models import MODEL_MECHANISMS, DpFedAvg, DpSgd, ModelMechanism
from fedsoft.privacy.settings import Privacy

__all__ = [
    "MECHANISMS",
    "MODEL_MECHANISMS",
    "Answers",
    "DiscreteGaussian",
    "DpFedAvg",
    "DpSgd",
    "LabelMechanism",
    "Laplace",
    "ModelMechanism",
    "Privacy",
    "RRWithPrior",
    "RandomizedResponse",
    "Unit",
]
