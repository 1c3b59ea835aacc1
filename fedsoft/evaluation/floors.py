"""Floors: what a calibration metric shows when there is nothing to find."""

from collections.abc import Sequence

from torch import Tensor

from fedsoft.evaluation.metric import Metric
from fedsoft.evaluation.predictions import Drawn, Predictions

AT_ONCE = 400_000
"""Labels drawn at once."""


def floors(probs: Tensor | Predictions, metrics: Sequence[Metric], chance: Tensor) -> list[Tensor]:
    """The values that calibration metrics take, on the mean, when the predictions are calibrated.

    Labels are redrawn from the predictions themselves, so a hit has the confidence as its chance, with
    the same examples and bins. One label is drawn for each example: against votes, whose shares
    scatter less than single labels, the floor is an upper bound.

    Args:
        probs: (..., N, C) predictions.
        metrics: the metrics whose floors are wanted; all see the same labels.
        chance: (draws, ..., N) uniform numbers in [0, 1), which draw the labels; values are averaged over
            draws.

    Returns:
        a floor (...) for each metric, NaN where N is 0.
    """
    predictions = probs if isinstance(probs, Predictions) else Predictions(probs)
    totals = [predictions.probs.new_zeros(probs.shape[:-2], dtype=probs.dtype) for _ in metrics]
    # As many draws at once as memory allows: few examples are quick, and many take no more than their own.
    for part in chance.split(max(1, AT_ONCE // max(chance[0].numel(), 1))):
        drawn = Drawn(predictions, part)
        for total, metric in zip(totals, metrics, strict=True):
            total += metric(predictions, drawn).sum(dim=0)
    return [total / len(chance) for total in totals]
