"""From scores to guesses, and to the bound on ε that they give."""

from dataclasses import dataclass

import numpy as np

from fedsoft.privacy.audit.one_run import ceiling, lower_bound

FEWEST = 8
"""Guesses, fewer than which show little whatever comes of them."""


@dataclass(frozen=True)
class Guessed:
    """What an auditor's guesses come to.

    Attributes:
        canaries: m, on which there were coins.
        made: r, the guesses behind the bound.
        right: v, those that were right.
        epsilon: the lower bound, corrected for the choice of r.
        ceiling: the most that these canaries could have shown, with the same correction.
    """

    canaries: int
    made: int
    right: int
    epsilon: float
    ceiling: float


def ladder(canaries: int) -> list[int]:
    """The numbers of guesses that are tried, fixed before looking: m, m/2, m/4, …, most confident first."""
    numbers = [canaries]
    while numbers[-1] // 2 >= FEWEST:
        numbers.append(numbers[-1] // 2)
    return numbers


def audit_guesses(
    score: np.ndarray, coin: np.ndarray, rng: np.random.Generator, delta: float = 0.0, alpha: float = 0.05
) -> Guessed:
    """Guess coins from scores, most confident first, and bound ε by how many guesses are right.

    The number of guesses is chosen by the bound that it gives, from a list that depends on the number of
    canaries alone, each tried at ``alpha`` over the length of the list (Bonferroni).

    Args:
        score: (m,) evidence of heads, above 0, or tails, below; its size is the confidence.
        coin: (m,) bool, heads. Independent and fair; scores may depend on them only by what was released.
        rng: breaks ties, and guesses where the score is 0.
        delta: δ of the claim.
        alpha: the probability with which the bound may lie above the true ε.

    Raises:
        ValueError: a score is not finite, or there is none.
    """
    if not len(score) or not np.isfinite(score).all():
        raise ValueError("a bound needs scores, all of them finite")
    order = np.lexsort((rng.random(len(score)), -np.abs(score)))
    guess = np.where(score == 0, rng.random(len(score)) < 0.5, score > 0)
    right = (guess == coin)[order].cumsum()
    tried, each = ladder(len(score)), alpha / len(ladder(len(score)))
    bounds = [lower_bound(len(score), made, int(right[made - 1]), delta, each) for made in tried]
    best = int(np.argmax(bounds))
    return Guessed(
        canaries=len(score),
        made=tried[best],
        right=int(right[tried[best] - 1]),
        epsilon=bounds[best],
        ceiling=max(ceiling(len(score), made, delta, each) for made in tried),
    )
