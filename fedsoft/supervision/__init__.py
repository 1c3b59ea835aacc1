"""Label sources and controls: votes, labels and predictions in, training targets out."""

from fedsoft.supervision import aggregated, controls, delivery, hard, human, posterior, teacher
from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.measures import describe_targets, dose
from fedsoft.supervision.source import SOURCES, DeliveryName, LabelSource, private_answers, supervise

__all__ = [
    "SOURCES",
    "DeliveryName",
    "Evidence",
    "LabelSource",
    "aggregated",
    "controls",
    "delivery",
    "describe_targets",
    "dose",
    "hard",
    "human",
    "onehot",
    "posterior",
    "private_answers",
    "supervise",
    "teacher",
]
