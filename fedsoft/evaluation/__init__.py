"""Evaluation: calibration, agreement with people, strata and statistics. Tensors in, numbers out."""

from fedsoft.evaluation import agreement, calibration, quality, selective
from fedsoft.evaluation.bins import rank_correlation
from fedsoft.evaluation.bounds import (
    AGREEMENT,
    agreement_ceiling,
    agreement_floor,
    class_means,
    entropy_error_at_equal_votes,
    mean_vote,
    shuffled_correlation,
    split_half_ceiling,
)
from fedsoft.evaluation.calibration import ECE
from fedsoft.evaluation.calibrators import CALIBRATORS, BySums, Calibrator
from fedsoft.evaluation.cartography import Cartography
from fedsoft.evaluation.evaluate import Score, evaluate, floor_label
from fedsoft.evaluation.exchanges import Exchanges
from fedsoft.evaluation.floors import floors
from fedsoft.evaluation.gaps import GapEffects
from fedsoft.evaluation.jackknife import Unit, pair_jackknife
from fedsoft.evaluation.judges import Judges
from fedsoft.evaluation.luck import Share, share_within
from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.predictions import SMALLEST, Predictions, Reference
from fedsoft.evaluation.ranks import cliques, critical_difference, mean_ranks
from fedsoft.evaluation.references import build_references, entropy, human_mode, onehot, soft_labels
from fedsoft.evaluation.stability import churned, pair_variance
from fedsoft.evaluation.statistics import Crossing, Effects, crossed_effects
from fedsoft.evaluation.strata import STRATA, human_strata, margin_strata
from fedsoft.evaluation.temperature import apply_temperature, fit_temperature, temperature_for_confidence
from fedsoft.evaluation.verdicts import Decision, Verdict, decide, holm_interval, smallest_detectable

__all__ = [
    "AGREEMENT",
    "CALIBRATORS",
    "ECE",
    "METRICS",
    "SMALLEST",
    "STRATA",
    "Better",
    "BySums",
    "Calibrator",
    "Cartography",
    "Crossing",
    "Decision",
    "Effects",
    "Exchanges",
    "GapEffects",
    "Judges",
    "Metric",
    "Predictions",
    "Reference",
    "Score",
    "Share",
    "Unit",
    "Verdict",
    "agreement",
    "agreement_ceiling",
    "agreement_floor",
    "apply_temperature",
    "build_references",
    "calibration",
    "churned",
    "class_means",
    "cliques",
    "critical_difference",
    "crossed_effects",
    "decide",
    "entropy",
    "entropy_error_at_equal_votes",
    "evaluate",
    "fit_temperature",
    "floor_label",
    "floors",
    "holm_interval",
    "human_mode",
    "human_strata",
    "margin_strata",
    "mean_ranks",
    "mean_vote",
    "onehot",
    "pair_jackknife",
    "pair_variance",
    "quality",
    "rank_correlation",
    "selective",
    "share_within",
    "shuffled_correlation",
    "smallest_detectable",
    "soft_labels",
    "split_half_ceiling",
    "temperature_for_confidence",
]
