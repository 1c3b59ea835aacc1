"""Every metric on every stratum against every reference, as rows."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from fedsoft.evaluation.floors import floors
from fedsoft.evaluation.metric import Metric


class Score(NamedTuple):
    """One evaluated number.

    Attributes:
        stratum: ``all``, or the name of a mask.
        reference: ``label``, ``mode``, ``vote``, or empty where the metric needs none.
        metric: the metric's label, such as ``ece(bins=10)``, or its floor's, ``ece_floor(bins=10)``.
        value: (...) one number for each leading index of the predictions; NaN in an empty stratum.
    """

    stratum: str
    reference: str
    metric: str
    value: Tensor


def evaluate(
    probs: Tensor,
    references: Mapping[str, Tensor],
    metrics: Iterable[Metric],
    masks: Mapping[str, Tensor],
    rng: np.random.Generator,
    draws: int = 20,
) -> list[Score]:
    """Compute metrics overall and in each stratum, and floors for those that have one.

    Args:
        probs: (..., N, C) predictions.
        references: (N, C) or (..., N, C) by name; a metric uses those that its ``against`` names.
        metrics: the metrics wanted.
        masks: boolean (N,) by name of stratum.
        rng: redraws labels for the floors.
        draws: number of redrawn sets behind each floor.

    Returns:
        Rows by stratum, metric and reference, then the stratum's floors, which are the same for all
        references.
    """
    metrics = list(metrics)
    scores = []
    for stratum, mask in {"all": None, **masks}.items():
        part = _take(probs, mask)
        truth = {name: _take(reference, mask) for name, reference in references.items()}
        for metric in metrics:
            if not metric.against:
                scores.append(Score(stratum, "", metric.label(), metric(part, part)))
            for name in metric.against:
                if name in truth:
                    scores.append(Score(stratum, name, metric.label(), metric(part, truth[name])))
        biased = [metric for metric in metrics if metric.floor]
        for metric, floor in zip(biased, floors(part, biased, rng, draws), strict=True):
            scores += [
                Score(stratum, name, floor_label(metric), floor) for name in metric.against if name in truth
            ]
    return scores


def floor_label(metric: Metric) -> str:
    """The label under which a metric's floor is stored: ``ece_floor(bins=10)`` for ``ece(bins=10)``."""
    name = type(metric).name
    return metric.label().replace(name, f"{name}_floor", 1)


def _take(rows: Tensor, mask: Tensor | None) -> Tensor:
    return rows if mask is None else rows[..., mask, :]
