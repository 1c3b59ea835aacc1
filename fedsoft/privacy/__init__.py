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
from fedsoft.privacy.settings import Privacy

__all__ = [
    "MECHANISMS",
    "Answers",
    "DiscreteGaussian",
    "LabelMechanism",
    "Laplace",
    "Privacy",
    "RRWithPrior",
    "RandomizedResponse",
    "Unit",
]
