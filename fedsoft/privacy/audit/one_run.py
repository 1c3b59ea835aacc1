"""A lower bound on ε from one run with many canaries.

Steinke, Nasr, Jagielski 2023, "Privacy auditing with one (1) training run", arXiv:2305.08846, theorem 5.2 and
appendix D.
"""

import numpy as np
from scipy.special import bdtrc, expit, gammaln, xlog1py, xlogy

STEPS = 30
"""Bisections after ε is known to within 1."""


def p_value(canaries: int, made: int, right: int, epsilon: float, delta: float = 0.0) -> float:
    """How likely at most so many right guesses are, under (ε, δ)-differential privacy.

    β + 2 m δ α, where r guesses are right with q = 1 / (1 + e^-ε) each, β = P[Bin(r, q) ≥ v], and
    α = max over i = 1..v of P[v > Bin(r, q) ≥ v - i] / i.

    Args:
        canaries: m, for each of which a fair coin decided; those that nobody guessed count.
        made: r, guesses made, a number fixed before looking at the coins.
        right: v, those that were right.
        epsilon: ε ≥ 0.
        delta: δ in [0, 1).

    Raises:
        ValueError: not 0 ≤ v ≤ r ≤ m.
    """
    if not 0 <= right <= made <= canaries:
        raise ValueError(f"{right} right of {made} guesses on {canaries} canaries cannot be")
    if right == 0:
        return 1.0
    q = float(expit(epsilon))
    beta = float(bdtrc(right - 1, made, q))
    if delta == 0 or q == 1:
        return min(beta, 1.0)
    below = np.arange(right - 1, -1, -1)  # v - 1, v - 2, …: the probability of the i nearest, added up
    choose = gammaln(made + 1) - gammaln(below + 1) - gammaln(made - below + 1)
    mass = np.exp(choose + xlogy(below, q) + xlog1py(made - below, -q))
    alpha = float((mass.cumsum() / np.arange(1, right + 1)).max())
    return min(1.0, beta + 2 * canaries * delta * alpha)


def lower_bound(canaries: int, made: int, right: int, delta: float = 0.0, alpha: float = 0.05) -> float:
    """The largest ε that so many right guesses refute at level ``alpha``; 0 where they refute none.

    Args: as of `p_value`.
        alpha: the probability with which the bound may lie above the true ε.
    """
    low, high = 0.0, 1.0
    while p_value(canaries, made, right, high, delta) < alpha:
        low, high = high, high + 1
    if low == 0 and p_value(canaries, made, right, 0.0, delta) >= alpha:
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if p_value(canaries, made, right, middle, delta) < alpha:
            low = middle
        else:
            high = middle
    return low


def ceiling(canaries: int, made: int, delta: float = 0.0, alpha: float = 0.05) -> float:
    """The most that so many guesses could have shown: the bound were all of them right."""
    return lower_bound(canaries, made, made, delta, alpha)
