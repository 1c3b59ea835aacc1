"""Privacy: mechanisms and accounting, as pure arithmetic."""

from fedsoft.privacy.labels import MECHANISMS, Answers, LabelMechanism, RandomizedResponse
from fedsoft.privacy.secure_sum import SecureSum
from fedsoft.privacy.settings import Privacy

__all__ = ["MECHANISMS", "Answers", "LabelMechanism", "Privacy", "RandomizedResponse", "SecureSum"]
