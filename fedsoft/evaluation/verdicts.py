"""From intervals to words: multiplicity, the smallest effect a study can see, and verdicts."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from fedsoft.evaluation.metric import Better
from fedsoft.holm import holm_steps

Verdict = Literal["better", "worse", "as good", "undecided at this size"]


class Uncertain(Protocol):
    """Effects (...) of one family with what verdicts need; see `Effects` and `GapEffects`."""

    @property
    def estimate(self) -> np.ndarray:
        """The effects."""

    @property
    def seeds(self) -> int:
        """Number of seeds that they rest on."""

    @property
    def p_values(self) -> np.ndarray:
        """Two-sided p values of no effect."""

    def equivalence(self, margin: float) -> np.ndarray:
        """Two-sided p values of an effect of a margin or more."""

    def interval(self, level: float | np.ndarray = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """Ends of intervals that miss the truth with probability ``level``."""


@dataclass(frozen=True)
class Decision:
    """What may be said of one effect of a family, with the interval on which it rests."""

    verdict: Verdict
    low: float
    high: float


def holm_interval(effects: Uncertain, level: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Ends (M,), (M,) of intervals that exclude zero just where Holm's adjusted p value is under ``level``.

    Each interval is taken at the level at which Holm's procedure tests its effect.
    """
    return effects.interval(_level(effects.p_values, level))


def _level(p_values: np.ndarray, level: float) -> np.ndarray:
    """(M,) the level at which Holm's procedure tests each of a family."""
    adjusted, factor = holm_steps(p_values)
    stretch = np.divide(adjusted, p_values, out=factor, where=p_values > 0)
    return level / stretch


def smallest_detectable(
    se: np.ndarray | float, df: float | np.ndarray, power: float = 0.8, level: float = 0.05
) -> np.ndarray | float:
    """The effect that a two-sided test at ``level`` finds, on its own side, with probability ``power``.

    An estimate over its standard error, itself estimated, follows a noncentral t; the effect is the
    noncentrality that puts a share ``power`` of it beyond the critical value. With many degrees of freedom
    that is the familiar sum of two normal quantiles (Bloom 1995, Evaluation Review 19:547).

    Args:
        se: standard errors; the result is in their unit.
        df: degrees of freedom; infinite ones make it a normal test.
        power: probability of finding the effect, in (0, 1) and above ``level`` / 2.
        level: of the two-sided test.
    """
    return se * nctdtrinc(df, 1 - power, stdtrit(df, 1 - level / 2))


def decide(effects: Uncertain, margin: float, better: Better, level: float = 0.05) -> list[Decision]:
    """What may be said of each effect of a family (M,), new less baseline.

    Two families of tests, each Holm-adjusted, so that among all effects a false claim of either kind has a
    probability of at most ``level``: that an effect is not zero, and that it is smaller than the margin.
        ``as good``
    comes first: a difference that is too small to matter, even where it is not zero. Otherwise an effect on
        the good
    side of zero is ``better``, one on the bad side ``worse``, and any other ``undecided at this size``.
    With one seed nothing is known of other runs, so nothing is decided.

    Args:
        effects: the family; for a signed gap, `GapEffects`, whose good side is below zero.
        margin: the difference that does not matter, in the effects' unit.
        better: the good direction of the metric.
        level: the probability of a false claim of each kind.

    Raises:
        ValueError: the metric has no good direction.
    """
    if better == "neither":
        raise ValueError("a descriptive metric cannot be an endpoint; choose one that can be better or worse")
    equal, unequal = effects.equivalence(margin), effects.p_values
    within, apart = effects.interval(_level(equal, level)), effects.interval(_level(unequal, level))
    decisions = []
    for n, estimate in enumerate(effects.estimate):
        low, high = float(apart[0][n]), float(apart[1][n])
        verdict: Verdict = "undecided at this size"
        if effects.seeds > 1 and -margin < within[0][n] and within[1][n] < margin:
            verdict, low, high = "as good", float(within[0][n]), float(within[1][n])
        elif effects.seeds > 1 and (low > 0 or high < 0):
            verdict = "better" if (estimate > 0) == (better == "higher") else "worse"
        decisions.append(Decision(verdict, low, high))
    return decisions
