"""Label mechanisms, each in a file of its own."""

from fedsoft.privacy.labels.answers import Answers, Unit
from fedsoft.privacy.labels.discrete_gaussian import DiscreteGaussian
from fedsoft.privacy.labels.laplace import Laplace
from fedsoft.privacy.labels.mechanism import MECHANISMS, LabelMechanism
from fedsoft.privacy.labels.prior import RRWithPrior
from fedsoft.privacy.labels.randomized_response import RandomizedResponse

__all__ = [
    "MECHANISMS",
    "Answers",
    "DiscreteGaussian",
    "LabelMechanism",
    "Laplace",
    "RRWithPrior",
    "RandomizedResponse",
    "Unit",
]
