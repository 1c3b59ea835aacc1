"""Label sources and controls: votes, labels and predictions in, training targets out."""

from fedsoft.supervision import controls, hard, human, teacher
from fedsoft.supervision.evidence import Evidence, onehot
from fedsoft.supervision.measures import describe_targets, dose
from fedsoft.supervision.source import SOURCES, LabelSource, supervise

__all__ = [
    "SOURCES",
    "Evidence",
    "LabelSource",
    "controls",
    "describe_targets",
    "dose",
    "hard",
    "human",
    "onehot",
    "supervise",
    "teacher",
]
