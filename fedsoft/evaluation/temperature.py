"""Temperature: one number that softens or sharpens all predictions alike and leaves their order."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fedsoft.evaluation.exchanges import AddUp
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
        mean, spread = _moments(p, logits)
        return mean.mean(dim=-1) - wanted, spread.mean(dim=-1)

    return _solve_on(logits, excess).to(probs.dtype)


def temperature_sums(probs: Tensor, reference: Tensor, sharpness: Tensor) -> Tensor:
    """What a client tells of its examples, so that a temperature can be fitted to those of all.

    Args:
        probs: (N, C) predictions; N may be 0.
        reference: (N, C) rows on the simplex.
        sharpness: (1,) 1 / T.

    Returns:
        (3,) sums over examples: 1, and slope and curvature of their negative log-likelihood in 1 / T.
    """
    logits = _logits(probs)
    mean, spread = _moments(_soften(logits, sharpness[0]), logits)
    seen = (reference.double().mT * logits).sum(dim=-2)
    return torch.stack([torch.ones_like(mean).sum(), (mean - seen).sum(), spread.sum()])


def solve_temperature(add_up: AddUp, pseudo: float = PSEUDO) -> Tensor:
    """What `fit_temperature` finds, from `temperature_sums` alone.

    The slope of pseudo-examples is zero at T = 1, where predictions are true for them, and differs from the
    examples' by the same amount at every T. So of them nothing is asked but the examples' slope at T = 1.

    Args:
        add_up: 1 / T (1,) to the sums (3,) over all examples, of which there are some.
        pseudo: number of pseudo-examples over all of them.

    Returns:
        (1,) the temperature.
    """
    start = torch.ones(1, dtype=torch.float64)
    first = add_up(start)
    examples, at_prediction = first[0], first[1]
    told = pseudo / (examples + pseudo) * at_prediction

    def excess(sharpness: Tensor) -> tuple[Tensor, Tensor]:
        _, slope, curvature = first if bool(sharpness == 1) else add_up(sharpness)
        return (slope - told)[None] / examples, curvature[None] / examples

    return _solve(excess, start)


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

    return _solve_on(logits, excess).to(probs.dtype)


def _logits(probs: Tensor) -> Tensor:
    """Logarithms (..., C, N): along examples a softmax over classes is many times faster."""
    return probs.mT.double().clamp_min(SMALLEST).log().contiguous()


def _soften(logits: Tensor, sharpness: Tensor) -> Tensor:
    return (logits * sharpness[..., None, None]).softmax(dim=-2)


def _moments(p: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (..., N) of each example's logits (..., C, N) under softened predictions."""
    mean = (p * logits).sum(dim=-2)
    return mean, (p * logits.square()).sum(dim=-2) - mean.square()


def _solve_on(logits: Tensor, excess: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Tensor:
    """T (...) at which an excess of softened predictions (..., C, N) crosses zero; NaN where N is 0."""
    if logits.shape[-1] == 0:
        return logits.new_full(logits.shape[:-2], math.nan)
    return _solve(lambda sharpness: excess(_soften(logits, sharpness)), logits[..., 0, 0])


def _solve(excess: Callable[[Tensor], tuple[Tensor, Tensor]], like: Tensor) -> Tensor:
    """T at which an excess crosses zero: Newton's steps in log T, halving where they leave what is open.

    Args:
        excess: gives at 1 / T (...) the excess (...), which falls as T grows, and its derivative by 1 / T.
        like: (...) with the shape, dtype and device of temperatures.
    """
    low = torch.full_like(like, math.log(COLDEST))
    high, here = torch.full_like(low, math.log(HOTTEST)), torch.zeros_like(low)
    moving = torch.ones_like(low, dtype=torch.bool)
    for _ in range(STEPS):  # all leading indices go together
        sharpness = (-here).exp()
        value, slope = excess(sharpness)
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
