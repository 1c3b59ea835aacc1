"""Floors: what a calibration metric shows when there is nothing to find."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.metric import Metric
from fedsoft.evaluation.references import onehot

AT_ONCE = 1_000_000
"""Numbers held at once by redrawn labels."""


def floors(
    probs: Tensor, metrics: Sequence[Metric], rng: np.random.Generator, draws: int = 20
) -> list[Tensor]:
    """The values that calibration metrics take, on the mean, when the predictions are calibrated.

    Labels are redrawn from the predictions themselves, so a hit has the confidence as its chance, with
    the same examples and bins. One label is drawn for each example: against votes, whose shares
    scatter less than single labels, the floor is an upper bound.

    Args:
        probs: (..., N, C) predictions.
        metrics: the metrics whose floors are wanted; all see the same labels.
        rng: draws the labels.
        draws: number of redrawn sets over which values are averaged.

    Returns:
        a floor (...) for each metric, NaN where N is 0.
    """
    cumulative = probs.double().cumsum(dim=-1)
    totals = [probs.new_zeros(probs.shape[:-2]) for _ in metrics]
    # As many draws at once as memory allows: few examples are quick, and many take no more than their own.
    block = max(1, min(draws, AT_ONCE // max(probs.numel(), 1)))
    for start in range(0, draws, block):
        shape = (min(block, draws - start), *probs.shape[:-1], 1)
        threshold = torch.as_tensor(rng.random(shape), device=probs.device) * cumulative[..., -1:]
        reference = onehot((cumulative <= threshold).sum(dim=-1), probs.shape[-1])
        totals = [
            total + metric(probs, reference).sum(dim=0) for total, metric in zip(totals, metrics, strict=True)
        ]
    return [total / draws for total in totals]
