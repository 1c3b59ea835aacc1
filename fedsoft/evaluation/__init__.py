"""Evaluation: calibration, agreement with people, strata and statistics. Tensors in, numbers out."""

from fedsoft.evaluation import agreement, calibration, quality, selective
from fedsoft.evaluation.calibration import ECE
from fedsoft.evaluation.calibrators import CALIBRATORS, Calibrator
from fedsoft.evaluation.evaluate import Score, evaluate, floor_label
from fedsoft.evaluation.floors import floors
from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.references import build_references, entropy, human_mode, onehot, soft_labels
from fedsoft.evaluation.stability import churn, prediction_variance
from fedsoft.evaluation.statistics import Effects, crossed_effects
from fedsoft.evaluation.strata import STRATA, human_strata, margin_strata
from fedsoft.evaluation.temperature import apply_temperature, fit_temperature, temperature_for_confidence
from fedsoft.evaluation.verdicts import Verdict, holm, holm_interval, smallest_detectable, verdict

__all__ = [
    "CALIBRATORS",
    "ECE",
    "METRICS",
    "STRATA",
    "Better",
    "Calibrator",
    "Effects",
    "Metric",
    "Score",
    "Verdict",
    "agreement",
    "apply_temperature",
    "build_references",
    "calibration",
    "churn",
    "crossed_effects",
    "entropy",
    "evaluate",
    "fit_temperature",
    "floor_label",
    "floors",
    "holm",
    "holm_interval",
    "human_mode",
    "human_strata",
    "margin_strata",
    "onehot",
    "prediction_variance",
    "quality",
    "selective",
    "smallest_detectable",
    "soft_labels",
    "temperature_for_confidence",
    "verdict",
]
