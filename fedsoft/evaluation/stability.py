"""Stability: how far models that differ in nothing but their seed disagree on the same images."""

import torch
from torch import Tensor


def churn(probs: Tensor) -> Tensor:
    """Share of images whose predicted class differs between two seeds, averaged over pairs of seeds.

    Milani Fard et al. 2016, "Launch and Iterate: Reducing Prediction Churn".

    Args:
        probs: (S, ..., N, C) predictions of S seeds on the same images.

    Returns:
        (...) in [0, 1]; NaN with fewer than two seeds or no images.
    """
    predicted = probs.argmax(dim=-1)
    first, second = torch.triu_indices(len(probs), len(probs), offset=1, device=probs.device)
    differs = (predicted[first] != predicted[second]).to(probs.dtype)
    return differs.mean(dim=-1).mean(dim=0)


def prediction_variance(probs: Tensor) -> Tensor:
    """Variance of the predicted distribution over seeds, summed over classes, averaged over images.

    Softer models vary less for mechanical reasons: compare at equal mean confidence.

    Args:
        probs: (S, ..., N, C) predictions of S seeds on the same images.

    Returns:
        (...) at least 0, unbiased; NaN with fewer than two seeds or no images.
    """
    if len(probs) < 2:
        return probs.new_full(probs.shape[1:-2], torch.nan)
    return probs.var(dim=0).sum(dim=-1).mean(dim=-1)
