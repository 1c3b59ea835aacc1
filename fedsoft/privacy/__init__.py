"""Privacy: mechanisms and accounting, as pure arithmetic."""

from fedsoft.privacy.composition import charge_calibration
from fedsoft.privacy.labels import MECHANISMS, Answers, LabelMechanism, RandomizedResponse
from fedsoft.privacy.settings import Privacy

__all__ = ["MECHANISMS", "Answers", "LabelMechanism", "Privacy", "RandomizedResponse", "charge_calibration"]
