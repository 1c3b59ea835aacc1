"""Evaluation: calibration, agreement with people, strata and statistics. Tensors in, numbers out."""

from fedsoft.evaluation import agreement, calibration, quality, selective
from fedsoft.evaluation.bins import rank_correlation
from fedsoft.evaluation.cartography import Cartography
from fedsoft.evaluation.evaluate import Score, evaluate, floor_label
from fedsoft.evaluation.floors import floors
from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.references import build_references, entropy, human_mode, onehot, soft_labels
from fedsoft.evaluation.stability import churn, prediction_variance
from fedsoft.evaluation.statistics import Effects, two_way_bootstrap
from fedsoft.evaluation.strata import STRATA, human_strata, margin_strata
from fedsoft.evaluation.temperature import apply_temperature, fit_temperature, temperature_for_confidence
from fedsoft.evaluation.verdicts import Verdict, holm, holm_interval, smallest_detectable, verdict

__all__ = [
    "METRICS",
    "STRATA",
    "Better",
    "Cartography",
    "Effects",
    "Metric",
    "Score",
    "Verdict",
    "agreement",
    "apply_temperature",
    "build_references",
    "calibration",
    "churn",
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
    "rank_correlation",
    "selective",
    "smallest_detectable",
    "soft_labels",
    "temperature_for_confidence",
    "two_way_bootstrap",
    "verdict",
]
