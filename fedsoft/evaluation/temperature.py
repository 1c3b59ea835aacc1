"""Temperature: one number that softens or sharpens all predictions alike and leaves their order."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

COLDEST, HOTTEST = 0.01, 100.0
TOLERANCE = 1e-9
"""Relative error of temperatures, at most."""
FLAT = 1e-6
"""Where a unit of log T changes an excess by less than this, Newton's steps lead nowhere."""
STEPS = 100


def apply_temperature(probs: Tensor, temperature: Tensor | float) -> Tensor:
    """Raise predictions to the power 1 / T and renormalise: T > 1 softens, T < 1 sharpens.

    Guo et al. 2017, arXiv:1706.04599; dividing logits by T is the same.

    Args:
        probs: (..., N, C) predictions. A zero counts as the smallest normal number of its dtype.
        temperature: T > 0, one number or one for each leading index (...).

    Returns:
        (..., N, C) predictions of the same dtype.
    """
    sharpness = 1 / torch.as_tensor(temperature, dtype=torch.float64, device=probs.device)
    return _soften(_logits(probs), sharpness).mT.to(probs.dtype)


def fit_temperature(probs: Tensor, reference: Tensor) -> Tensor:
    """The temperature of least negative log-likelihood, in [0.01, 100].

    The likelihood is concave in 1 / T, so its slope has one zero, whose own slope is the variance of the
    logits.

    Args:
        probs: (..., N, C) predictions on examples that neither trained the model nor are scored.
        reference: (N, C) or (..., N, C) rows on the simplex: labels, or votes.

    Returns:
        (...) temperatures, each fitted for itself; NaN where N is 0.
    """
    logits, target = torch.broadcast_tensors(_logits(probs), reference.double().mT)
    wanted = (target * logits).sum(dim=-2).mean(dim=-1)

    def excess(p: Tensor) -> tuple[Tensor, Tensor]:
        mean = (p * logits).sum(dim=-2)
        spread = (p * logits.square()).sum(dim=-2) - mean.square()
        return mean.mean(dim=-1) - wanted, spread.mean(dim=-1)

    return _solve(excess, logits).to(probs.dtype)


def temperature_for_confidence(probs: Tensor, confidence: Tensor | float) -> Tensor:
    """The temperature at which the mean confidence has a stated value; it needs no labels.

    Args:
        probs: (..., N, C) predictions.
        confidence: wanted mean confidence in (1/C, 1), one number or one for each leading index (...).

    Returns:
        (...) temperatures in [0.01, 100]: the nearer end where the value cannot be reached; NaN where N is 0.
    """
    wanted = torch.as_tensor(confidence, dtype=torch.float64, device=probs.device)
    logits = _logits(probs)
    highest = logits.amax(dim=-2)

    def excess(p: Tensor) -> tuple[Tensor, Tensor]:
        confidence = p.amax(dim=-2)
        return (
            confidence.mean(dim=-1) - wanted,
            (confidence * (highest - (p * logits).sum(dim=-2))).mean(dim=-1),
        )

    return _solve(excess, logits).to(probs.dtype)


def _logits(probs: Tensor) -> Tensor:
    """Logarithms (..., C, N): along examples a softmax over classes is many times faster."""
    return probs.mT.clamp_min(torch.finfo(probs.dtype).tiny).double().log().contiguous()


def _soften(logits: Tensor, sharpness: Tensor) -> Tensor:
    return (logits * sharpness[..., None, None]).softmax(dim=-2)


def _solve(excess: Callable[[Tensor], tuple[Tensor, Tensor]], logits: Tensor) -> Tensor:
    """T at which an excess crosses zero: Newton's steps in log T, halving where they leave what is open.

    Args:
        excess: gives of softened predictions (..., C, N) the excess (...), which falls as T grows, and its
            derivative by 1 / T.
        logits: (..., C, N).
    """
    if logits.shape[-1] == 0:
        return logits.new_full(logits.shape[:-2], math.nan)
    low = logits.new_full(logits.shape[:-2], math.log(COLDEST))
    high, here = torch.full_like(low, math.log(HOTTEST)), torch.zeros_like(low)
    moving = torch.ones_like(low, dtype=torch.bool)
    for _ in range(STEPS):  # all leading indices go together
        sharpness = (-here).exp()
        value, slope = excess(_soften(logits, sharpness))
        low, high = here.where(value > 0, low), high.where(value > 0, here)
        steepness = slope * sharpness
        there = here + value / steepness
        sound = (low <= there) & (there <= high) & (steepness > FLAT)
        there = there.where(sound, (low + high) / 2)
        step, here = (there - here).abs(), there.where(moving, here)
        moving = moving & (step >= TOLERANCE)  # each stops by itself, so none depends on the others
        if not step.is_meta and not bool(moving.any()):
            break
    return here.exp()
