"""A temperature that gives away little of any one answer it is fitted to: the exponential mechanism."""

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.temperature import apply_temperature

TEMPERATURES = 2.0 ** (np.arange(-16, 25) / 8)
"""What may be drawn: 41 temperatures from 1/4 to 8, an eighth of an octave apart, fixed before any data."""
REACH = 2.0
"""By how much another answer to one example moves the losses of two temperatures apart, at most.

The Brier score of an example is |p|² - 2 p_y + 1. Where y is changed to z, the loss at temperature T changes
by 2 (p_y(T) - p_z(T)). That is within [-2, 2], and of one sign at all T, since a temperature leaves the order
of classes as it is: so changes at any two temperatures are within 2 of each other, not only within 4. Nothing
is clipped for it. (An NLL clipped at b nats has reach b by the same argument. At ε = 0.5, 1 and 2, with 150
and 800 examples, it chooses as well where b = 6, and worse where it is 2, 4 or 10; the Brier score has no
bound to choose: `simulations/private_temperature.py`.)
"""


def temperature_losses(probs: Tensor, reference: Tensor, pseudo: float) -> Tensor:
    """What each of the temperatures costs on examples and pseudo-examples.

    Args:
        probs: (N, C) predictions, N > 0.
        reference: (N, C) rows with all mass on one class.
        pseudo: number of pseudo-examples over all N, for which the prediction itself is true. They depend on
            no answer.

    Returns:
        (41,) float64 sums of Brier scores.
    """
    p, seen = probs.double(), reference.double()
    p = p / p.sum(dim=-1, keepdim=True)
    losses = []
    for temperature in TEMPERATURES.tolist():
        q = apply_temperature(p, temperature)
        squares = q.square().sum(dim=-1) + 1
        examples = (squares - 2 * (q * seen).sum(dim=-1)).sum()
        losses.append(examples + pseudo * (squares - 2 * (q * p).sum(dim=-1)).mean())
    return torch.stack(losses)


def temperature_chances(losses: Tensor, epsilon: float) -> np.ndarray:
    """How likely each temperature is drawn: in proportion to exp(-ε loss / 2).

    The exponential mechanism (McSherry, Talwar 2007) by the range of its utility (Dong, Durfee, Rogers 2020,
    arXiv:1909.13830): another answer to one example changes the losses by amounts within `REACH` of
    each other, so no chance changes by more than a factor e^ε: pure differential privacy of one answer, where
    predictions are public.

    Args:
        losses: (T,) sums of Brier scores.
        epsilon: ε in (0, ∞]; at infinity the least loss has all chance.

    Returns:
        (T,) float64 probabilities.
    """
    excess = (losses - losses.min()).double().cpu().numpy()
    with np.errstate(invalid="ignore"):
        weight = np.exp(-np.where(excess > 0, epsilon * excess, 0.0) / REACH)
    chances: np.ndarray = weight / weight.sum()
    return chances


def draw_temperature(
    probs: Tensor, reference: Tensor, pseudo: float, epsilon: float, rng: np.random.Generator
) -> float:
    """A temperature for predictions, drawn with differential privacy of each example's answer.

    Whoever draws sees all answers, and only the temperature leaves (central privacy, not local).

    Args:
        probs: (N, C) predictions on examples that neither trained the model nor are scored.
        reference: (N, C) one-hot answers: labels, or one vote each.
        pseudo: number of pseudo-examples.
        epsilon: ε of one answer.
        rng: gives one uniform number; with the same, other predictions get a temperature as far up or down.
    """
    chances = temperature_chances(temperature_losses(probs, reference, pseudo), epsilon)
    return float(temperatures_at(chances, np.array([rng.random()]))[0])


def temperatures_at(chances: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """(n,) temperatures at uniform numbers (n,) in [0, 1), by their chances: the inverse of their sum."""
    reached = chances.cumsum()
    place = np.searchsorted(reached, uniform * reached[-1], side="right")
    drawn: np.ndarray = TEMPERATURES[np.minimum(place, len(TEMPERATURES) - 1)]
    return drawn


def whole_example(epsilon: float, pseudo: float, examples: int) -> float:
    """ε of a whole example, its input too, where the answer alone has a given ε: 2 ε (1 + pseudo / N).

    Its score moves any two losses by at most 4 apart, and its share of the pseudo-examples by 4 pseudo / N.
    """
    return 2 * epsilon * (1 + pseudo / examples)
