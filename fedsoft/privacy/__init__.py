"""Privacy: mechanisms and accounting, as pure arithmetic."""

from fedsoft.privacy.labels import MECHANISMS, Answers, LabelMechanism, RandomizedResponse
from fedsoft.privacy.models import MODEL_MECHANISMS, DpFedAvg, DpSgd, ModelMechanism
from fedsoft.privacy.settings import Privacy

__all__ = [
    "MECHANISMS",
    "MODEL_MECHANISMS",
    "Answers",
    "DpFedAvg",
    "DpSgd",
    "LabelMechanism",
    "ModelMechanism",
    "Privacy",
    "RandomizedResponse",
]
