"""Floors: what a calibration metric shows when there is nothing to find."""

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.metric import Metric
from fedsoft.evaluation.references import onehot


def ece_floor(probs: Tensor, metric: Metric, rng: np.random.Generator, draws: int = 20) -> Tensor:
    """The value that a calibration metric takes, on the mean, when the predictions are calibrated.

    Labels are redrawn from the predictions themselves, so a hit has the confidence as its chance, with
    the same examples and bins. One label is drawn for each example: against votes, whose shares
    scatter less than single labels, the floor is an upper bound.

    Args:
        probs: (..., N, C) predictions.
        metric: the metric whose floor is wanted.
        rng: draws the labels.
        draws: number of redrawn sets over which the value is averaged.

    Returns:
        (...) floors, NaN where N is 0.
    """
    cumulative = probs.double().cumsum(dim=-1)
    shape = (*probs.shape[:-1], 1)
    total = probs.new_zeros(probs.shape[:-2])
    for _ in range(draws):  # one at a time: memory stays that of the predictions
        threshold = torch.as_tensor(rng.random(shape), device=probs.device) * cumulative[..., -1:]
        labels = (cumulative <= threshold).sum(dim=-1)
        total = total + metric(probs, onehot(labels, probs.shape[-1]))
    return total / draws
