"""Label sources and controls: votes, labels and predictions in, training targets out."""

from fedsoft.supervision import aggregated, controls, delivery, hard, human, noise_matched, posterior, teacher
from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.measures import describe_targets, dose
from fedsoft.supervision.noise_matched import NoiseMatched
from fedsoft.supervision.source import SOURCES, DeliveryName, LabelSource, private_answers, supervise

__all__ = [
    "SOURCES",
    "DeliveryName",
    "Evidence",
    "LabelSource",
    "NoiseMatched",
    "aggregated",
    "controls",
    "delivery",
    "describe_targets",
    "dose",
    "hard",
    "human",
    "noise_matched",
    "onehot",
    "posterior",
    "private_answers",
    "supervise",
    "teacher",
]
