"""What controls are matched by: modes, masses, entropies."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import softmax

Match = Literal["entropy", "top_mass"]


def modes(soft: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, C) rows -> (N,) class with most mass; ties are split at random, never in favour of the label."""
    ties = soft == soft.max(axis=1, keepdims=True)
    modes: np.ndarray = np.where(ties, rng.random(soft.shape), -1.0).argmax(axis=1)
    return modes


def mode_matched(soft: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Swap the masses of the mode and of the label where they differ: the same softness, the label's mode."""
    rows, mode, matched = np.arange(len(soft)), modes(soft, rng), soft.copy()
    matched[rows, mode], matched[rows, labels] = soft[rows, labels], soft[rows, mode]
    return matched


def entropy(rows: np.ndarray) -> np.ndarray:
    """Shannon entropy in nats over the last axis; 0 log 0 = 0."""
    return -np.where(rows > 0, rows * np.log(np.where(rows > 0, rows, 1.0)), 0.0).sum(axis=-1)


def spread(mass: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(N,) masses -> (N, C) rows with that mass on the label and the rest even over the other classes."""
    rows = np.repeat((1 - mass)[:, None] / (classes - 1), classes, axis=1)
    rows[np.arange(len(labels)), labels] = mass
    return rows


def mass_of_entropy(target: np.ndarray, classes: int) -> np.ndarray:
    """(N,) entropies -> (N,) top masses in [1/C, 1] whose evenly spread row has that entropy."""
    low, high = np.full(target.shape, 1 / classes), np.ones(target.shape)
    for _ in range(60):
        middle = (low + high) / 2
        too_soft = entropy(spread(middle, np.zeros(len(target), dtype=np.int64), classes)) > target
        low, high = np.where(too_soft, middle, low), np.where(too_soft, high, middle)
    return (low + high) / 2


def tempered(predictions: np.ndarray, temperature: float) -> np.ndarray:
    """Rows to the power 1/T, renormalised: T > 1 softens, T < 1 sharpens."""
    return softmax(np.log(np.clip(predictions, 1e-12, None)) / temperature, axis=1)


def temperature_matched(predictions: np.ndarray, people: np.ndarray, match: Match) -> np.ndarray:
    """Temper predictions so that their mean entropy, or mean top mass, is that of people's soft labels."""
    measure: Callable[[np.ndarray], float] = (
        (lambda rows: float(entropy(rows).mean()))
        if match == "entropy"
        else (lambda rows: -float(rows.max(axis=1).mean()))
    )
    wanted = measure(people)

    from scipy.optimize import brentq  # here, since it takes an eighth of a second to import

    def excess(log_temperature: float) -> float:
        return measure(tempered(predictions, float(np.exp(log_temperature)))) - wanted

    low, high = -4.0, 4.0
    if excess(low) > 0 or excess(high) < 0:  # people are sharper or softer than any temperature gets
        return tempered(predictions, float(np.exp(low if excess(low) > 0 else high)))
    return tempered(predictions, float(np.exp(brentq(excess, low, high, xtol=1e-10))))
