"""Temperature: one number that softens or sharpens all predictions alike and leaves their order."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fedsoft.evaluation.predictions import SMALLEST

COLDEST, HOTTEST = 0.01, 100.0
TOLERANCE = 1e-9
"""Relative error of temperatures, at most."""
FLAT = 1e-6
"""Where a unit of log T changes an excess by less than this, Newton's steps lead nowhere."""
STEPS = 100
PSEUDO = 20.0
"""Pseudo-examples for each number that is fitted.

Chosen on simulated models that are sharper or softer than the truth (`simulations/pseudo.py`): for a
temperature 10 or 20 leave the least error at 10 to 300 examples, and with 20 a bin a map is at worst about as
good as none.
"""


def apply_temperature(probs: Tensor, temperature: Tensor | float) -> Tensor:
    """Raise predictions to the power 1 / T and renormalise: T > 1 softens, T < 1 sharpens.

    Guo et al. 2017, arXiv:1706.04599; dividing logits by T is the same.

    Args:
        probs: (..., N, C) predictions. Those below 1e-12 count as 1e-12, as in every metric.
        temperature: T > 0, one number or one for each leading index (...).

    Returns:
        (..., N, C) predictions of the same dtype.
    """
    sharpness = 1 / torch.as_tensor(temperature, dtype=torch.float64, device=probs.device)
    return _soften(_logits(probs), sharpness).mT.to(probs.dtype)


def fit_temperature(probs: Tensor, reference: Tensor, pseudo: float = PSEUDO) -> Tensor:
    """The temperature of least negative log-likelihood, in [0.01, 100], beside pseudo-examples.

    Examples that are all right would ask for the coldest temperature, one bad miss among ten for a hot one.
    So each prediction also counts as ``pseudo`` / N examples for which it is true: T is 1 without evidence,
    and the plain fit's with much. The likelihood is concave in 1 / T, so its slope has one zero, whose own
    slope is the variance of the logits.

    Args:
        probs: (..., N, C) predictions on examples that neither trained the model nor are scored.
        reference: (N, C) or (..., N, C) rows on the simplex: labels, or votes.
        pseudo: number of pseudo-examples over all N; 0 for the plain maximum of likelihood.

    Returns:
        (...) temperatures, each fitted for itself; NaN where N is 0.
    """
    logits, target = torch.broadcast_tensors(_logits(probs), reference.double().mT)
    target = with_pseudo(target, logits.softmax(dim=-2), logits.shape[-1], pseudo)
    wanted = (target * logits).sum(dim=-2).mean(dim=-1)

    def excess(p: Tensor) -> tuple[Tensor, Tensor]:
        mean = (p * logits).sum(dim=-2)
        spread = (p * logits.square()).sum(dim=-2) - mean.square()
        return mean.mean(dim=-1) - wanted, spread.mean(dim=-1)

    return _solve(excess, logits).to(probs.dtype)


def with_pseudo(seen: Tensor, predicted: Tensor, examples: int, pseudo: float) -> Tensor:
    """What was seen in examples and what is predicted in pseudo-examples, averaged by their numbers."""
    return (examples * seen + pseudo * predicted) / (examples + pseudo)


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
    return probs.mT.double().clamp_min(SMALLEST).log().contiguous()


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
