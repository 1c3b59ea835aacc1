"""What a test between two worlds achieves: its rates, their intervals, and the ε that they imply."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv
from scipy.stats import rankdata


@dataclass(frozen=True)
class Rate:
    """A share of trials with its two-sided interval; NaN where there are too few trials to tell."""

    value: float
    low: float
    high: float


def clopper_pearson(hits: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """The exact interval of a share at level 1 - alpha, alpha / 2 on each side (Clopper, Pearson 1934)."""
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, alpha / 2))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1 - alpha / 2))
    return low, high


def epsilon_of_rates(
    true_hits: int,
    true_trials: int,
    false_hits: int,
    false_trials: int,
    delta: float = 0,
    alpha: float = 0.05,
) -> float:
    """ε ≥ ln((TPR_low - δ) / FPR_high), from independent trials of a test that was fixed before them.

    Kairouz, Oh, Viswanath 2015, arXiv:1311.0776, with the ends of Clopper-Pearson intervals of alpha / 2 of
    error each, as in Jagielski, Ullman, Oprea 2020, arXiv:2006.07709.

    Args:
        true_hits: times that the test said "in" of ``true_trials`` in which it was so.
        false_hits: times that it said so of ``false_trials`` in which it was not.
        delta: δ of the claim.
        alpha: the probability with which the bound may lie above the true ε.

    Returns:
        the bound, at least 0.
    """
    # One end of each interval is used, so each may err by alpha / 2.
    low = clopper_pearson(true_hits, true_trials, alpha)[0]
    high = clopper_pearson(false_hits, false_trials, alpha)[1]
    return max(0.0, math.log((low - delta) / high)) if low > delta else 0.0


def area_under_curve(score: np.ndarray, member: np.ndarray) -> float:
    """The probability that a member (bool, same shape) scores above one that is none, ties counting half.

    NaN where there are none of either.
    """
    inside, outside = int(member.sum()), int((~member).sum())
    if not inside or not outside:
        return math.nan
    ranks = rankdata(score.ravel())[member.ravel()].sum()
    return float((ranks - inside * (inside + 1) / 2) / (inside * outside))


def rate_at(score: np.ndarray, member: np.ndarray, false_rate: float, alpha: float = 0.05) -> Rate:
    """The true positive rate at a false positive rate of at most ``false_rate``, with its interval.

    NaN where there are fewer than 1 / ``false_rate`` that are no members: such a rate cannot be seen.
    """
    outside, inside = np.sort(score[~member]), score[member]
    allowed = int(false_rate * len(outside) + 1e-9)
    if not allowed or not len(inside):
        return Rate(math.nan, math.nan, math.nan)
    # So many of those outside may lie above the threshold; ties with it are told from none.
    hits = int((inside > outside[-allowed - 1]).sum()) if allowed < len(outside) else len(inside)
    return Rate(hits / len(inside), *clopper_pearson(hits, len(inside), alpha))


def epsilon_of_scores(
    chosen_on: tuple[np.ndarray, np.ndarray],
    tried_on: tuple[np.ndarray, np.ndarray],
    delta: float = 0.0,
    alpha: float = 0.05,
) -> float:
    """The ε that a threshold implies, chosen on some scores and tried on others.

    Args:
        chosen_on: scores (n,), and who is a member (n,) bool, by which the threshold is chosen.
        tried_on: others, by which it is judged.
        delta: δ of the claim.
        alpha: the probability with which the bound may lie above the true ε, were trials independent.
    """

    def implied(of: tuple[np.ndarray, np.ndarray], threshold: float) -> float:
        score, member = of
        above = score > threshold
        inside, outside = int(member.sum()), int((~member).sum())
        if not inside or not outside:
            return 0.0
        hits, false = int((above & member).sum()), int((above & ~member).sum())
        return epsilon_of_rates(hits, inside, false, outside, delta, alpha)

    candidates = np.unique(np.quantile(chosen_on[0], np.linspace(0, 1, 200)[:-1]))
    best = max(candidates.tolist(), key=lambda threshold: implied(chosen_on, threshold))
    return implied(tried_on, best)
