"""Every metric on every stratum against every reference, as rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.floors import floors
from fedsoft.evaluation.metric import Metric
from fedsoft.evaluation.predictions import Predictions, Reference

AT_ONCE = 1_000_000
"""Probabilities looked at at once: what is derived of them stays in reach, and takes no memory of all."""


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
    whole: bool = True,
    image: np.ndarray | None = None,
) -> list[Score]:
    """Compute metrics overall and in each stratum, and floors for those that have one.

    Args:
        probs: (..., N, C) predictions.
        references: (N, C) by name; a metric uses those that its ``against`` names.
        metrics: the metrics wanted.
        masks: boolean (N,) by name of stratum.
        rng: redraws labels for the floors.
        draws: number of redrawn sets behind each floor.
        whole: whether all examples together are evaluated too.
        image: (N,) what each example is a prediction of, where several are of one: these have one label,
            drawn with one uniform number for all. None where no two are of the same.

    Returns:
        Rows by stratum, metric and reference, then the stratum's floors, which are the same for all
        references.
    """
    metrics = list(metrics)
    scores = []
    for stratum, mask in {**({"all": None} if whole else {}), **masks}.items():
        part = _take(probs, mask)
        truth = {name: _take(reference, mask) for name, reference in references.items()}
        if image is None:
            chance = torch.as_tensor(rng.random((draws, *part.shape[:-1])), device=probs.device)
        else:
            of = image if mask is None else image[mask.cpu().numpy()]
            _, place = np.unique(of, return_inverse=True)
            drawn = rng.random((draws, *part.shape[:-2], place.max() + 1))[..., place]
            chance = torch.as_tensor(drawn, device=probs.device)
        found = [_values(few, truth, metrics, chances) for few, chances in _few_at_once(part, chance)]
        for key in found[0]:
            values = [values[key] for values in found]
            scores.append(Score(stratum, *key, values[0] if len(values) == 1 else torch.cat(values)))
    return scores


def _values(
    probs: Tensor, truth: Mapping[str, Tensor], metrics: Sequence[Metric], chance: Tensor
) -> dict[tuple[str, str], Tensor]:
    """Metrics of one stratum, then floors, by reference and label."""
    predictions = Predictions(probs)
    known = {name: Reference(rows) for name, rows in truth.items()}
    values = {}
    for metric in metrics:
        if not metric.against:
            values["", metric.label()] = metric(predictions, Reference(probs))
        for name in metric.against:
            if name in known:
                values[name, metric.label()] = metric(predictions, known[name])
    biased = [metric for metric in metrics if metric.floor]
    for metric, floor in zip(biased, floors(predictions, biased, chance), strict=True):
        values |= {(name, floor_label(metric)): floor for name in metric.against if name in known}
    return values


def floor_label(metric: Metric) -> str:
    """The label under which a metric's floor is stored: ``ece_floor(bins=10)`` for ``ece(bins=10)``."""
    name = type(metric).name
    return metric.label().replace(name, f"{name}_floor", 1)


def _take(rows: Tensor, mask: Tensor | None) -> Tensor:
    return rows if mask is None else rows[..., mask, :]


def _few_at_once(probs: Tensor, chance: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Predictions (..., N, C) and chances (draws, ..., N), a few of the first leading index at a time."""
    if probs.ndim == 2:
        return iter([(probs, chance)])
    size = max(1, AT_ONCE // max(probs[0].numel(), 1))
    return zip(probs.split(size), chance.split(size, dim=1), strict=True)
