"""Zero-concentrated differential privacy: what ρ means as (ε, δ), and the reverse."""

import math
from functools import lru_cache

import numpy as np


def epsilon_of(rho: np.ndarray, delta: float) -> np.ndarray:
    """The ε such that ρ-zCDP is (ε, δ)-DP.

    ε = inf over α > 1 of αρ + (log(1/δ) + (α - 1) log(1 - 1/α) - log α) / (α - 1): Canonne, Kamath, Steinke
    2020, arXiv:2004.00010, proposition 12, solved for ε. Any α gives a bound, so that the search can only
    err to the safe side.

    Args:
        rho: (n,) ρ ≥ 0.
        delta: δ in (0, 1).
    """
    rho = np.asarray(rho, dtype=float)
    finite = rho[np.isfinite(rho)]
    found = np.full(rho.shape, np.inf)
    # Quasi-convex in α, and so in x = log(α - 1).
    low, high = np.full(finite.shape, -20.0), np.full(finite.shape, 40.0)
    for _ in range(120):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        falls = _bound(left, finite, delta) > _bound(right, finite, delta)
        low, high = np.where(falls, left, low), np.where(falls, high, right)
    found[np.isfinite(rho)] = np.maximum(_bound((low + high) / 2, finite, delta), 0.0)
    return found


def _bound(x: np.ndarray, rho: np.ndarray, delta: float) -> np.ndarray:
    """ε by the Rényi divergence of order α = 1 + e^x."""
    less = np.exp(x)  # α - 1
    bound: np.ndarray = (1 + less) * rho + x - np.log1p(less) + (math.log(1 / delta) - np.log1p(less)) / less
    return bound


@lru_cache
def rho_of(epsilon: float, delta: float) -> float:
    """The largest ρ such that ρ-zCDP is (ε, δ)-DP, rounded down; infinity for infinite ε.

    Args:
        epsilon: ε > 0.
        delta: δ in (0, 1).
    """
    if math.isinf(epsilon):
        return math.inf
    low, high = -80.0, math.log(epsilon + 1000)  # of log ρ
    for _ in range(80):
        middle = (low + high) / 2
        within = float(epsilon_of(np.array([math.exp(middle)]), delta)[0]) <= epsilon
        low, high = (middle, high) if within else (low, middle)
    return math.exp(low)
