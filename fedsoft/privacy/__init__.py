"""Privacy: mechanisms and accounting, as pure arithmetic."""

from fedsoft.privacy.label_privacy import LabelPrivacy
from fedsoft.privacy.randomized_response import project_to_simplex, randomize, unbias

__all__ = ["LabelPrivacy", "project_to_simplex", "randomize", "unbias"]
