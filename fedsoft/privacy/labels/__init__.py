"""Label mechanisms, each in a file of its own."""

from fedsoft.privacy.labels.mechanism import MECHANISMS, Answers, LabelMechanism
from fedsoft.privacy.labels.randomized_response import RandomizedResponse

__all__ = ["MECHANISMS", "Answers", "LabelMechanism", "RandomizedResponse"]
