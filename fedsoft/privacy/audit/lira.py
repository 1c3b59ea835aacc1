"""Likelihood ratios from shadow models: which of two worlds an example's statistic comes from.

Carlini, Chien, Nasr, Song, Terzis, Tramèr 2022, "Membership inference attacks from first principles",
arXiv:2112.03570.
"""

import numpy as np

SMALLEST = 1e-12
"""Probability below which logarithms are not taken."""


def log_odds(probs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """φ = Σ_c t_c (log p_c - log(1 - p_c)): the log-odds of the class, expected under the trained target.

    For a one-hot target, the paper's logit of the label's probability; for a soft one, what a model that has
    memorised its softness has most of near the target.

    Args:
        probs: (…, C) predictions.
        targets: (…, C) on the simplex.

    Returns:
        (…) finite numbers.
    """
    p = np.clip(np.asarray(probs, dtype=np.float64), SMALLEST, 1.0)
    rest = np.clip(p.sum(axis=-1, keepdims=True) - p, SMALLEST, None)  # 1 - p would be 0 for a sure float32
    odds: np.ndarray = (targets * (np.log(p) - np.log(rest))).sum(axis=-1)
    return odds


def log_likelihood_ratio(
    shadow: np.ndarray, world: np.ndarray, seen: np.ndarray, pooled: bool = True, offline: bool = False
) -> np.ndarray:
    """log N(φ | in) - log N(φ | out) of each example, with normal distributions fitted to shadow models.

    Args:
        shadow: (S, M) statistics of M examples in S shadow models.
        world: (S, M) bool, whether an example was in that model's world "in"; both worlds at least twice an
            example, and "out" at least twice where ``offline``.
        seen: (T, M) statistics in T attacked models.
        pooled: one variance a world for all examples, which few shadow models are enough for.
        offline: use the world "out" alone: how far φ lies above it, in its standard deviations.

    Returns:
        (T, M) evidence of "in".

    Raises:
        ValueError: too few shadow models.
    """
    counts = [(~world).sum(axis=0)] if offline else [(~world).sum(axis=0), world.sum(axis=0)]
    if min(int(count.min()) for count in counts) < 2:
        raise ValueError("each world of each example needs two shadow models or more")
    out_mean, out_variance = _normal(shadow, ~world, pooled)
    if offline:
        above: np.ndarray = (seen - out_mean) / np.sqrt(out_variance)
        return above
    in_mean, in_variance = _normal(shadow, world, pooled)
    ratio: np.ndarray = 0.5 * (
        np.log(out_variance / in_variance)
        + (seen - out_mean) ** 2 / out_variance
        - (seen - in_mean) ** 2 / in_variance
    )
    return ratio


def _normal(shadow: np.ndarray, mask: np.ndarray, pooled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Median (M,) and variance (M,) of the statistics under a mask, the variance one for all if pooled."""
    some = np.where(mask, shadow, np.nan)
    median = np.nanmedian(some, axis=0)
    squares, freedom = np.nansum((some - median) ** 2, axis=0), mask.sum(axis=0) - 1
    variance = np.full_like(median, squares.sum() / freedom.sum()) if pooled else squares / freedom
    return median, np.maximum(variance, SMALLEST)


def pooled_evidence(
    shadow: np.ndarray, world: np.ndarray, seen: np.ndarray, group: np.ndarray | None = None
) -> np.ndarray:
    """Evidence of world "in" where the two worlds mirror each other, examples of a group being alike.

    With statistics of mean ±a and variance σ², a common for the group, that is a φ / σ² up to a factor.

    Args:
        shadow: (S, M) statistics, whose sign is that of the likelier world.
        world: (S, M) bool.
        seen: (T, M) statistics to judge.
        group: (M,) number of each example's group; all alike by default.

    Returns:
        (T, M) evidence of "in": 0 exactly where the statistic is.
    """
    signed = np.where(world, shadow, -shadow)
    weight = np.empty(shadow.shape[1])
    group = np.zeros(shadow.shape[1], dtype=int) if group is None else group
    for one in np.unique(group):
        some = signed[:, group == one]
        # A group in which nothing tells the worlds apart comes last, in the direction that the sign says.
        weight[group == one] = max(some.mean(), SMALLEST) / max(some.var(), SMALLEST)
    evidence: np.ndarray = seen * weight
    return evidence
