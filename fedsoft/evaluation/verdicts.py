"""From intervals to words: multiplicity, the smallest effect a study can see, and verdicts."""

from typing import Literal

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from fedsoft.evaluation.metric import Better
from fedsoft.evaluation.statistics import Effects

Verdict = Literal["better", "worse", "as good", "undecided at this size"]


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values (M,), capped at 1; NaN stays NaN and counts for nothing.

    Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    return np.minimum(_stepped(np.asarray(p_values, dtype=float))[0], 1.0)


def holm_interval(effects: Effects, level: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Ends (M,), (M,) of intervals that exclude zero just where Holm's adjusted p value is under ``level``.

    Each interval is taken at the level at which Holm's procedure tests its effect.
    """
    p_values = effects.p_values
    adjusted, factor = _stepped(p_values)
    stretch = np.divide(adjusted, p_values, out=factor, where=p_values > 0)
    return effects.interval(level / stretch)


def smallest_detectable(
    se: np.ndarray | float, df: float, power: float = 0.8, level: float = 0.05
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


def verdict(low: float, high: float, margin: float, better: Better, baseline: float = 0.0) -> Verdict:
    """What may be said of an effect, new less baseline, whose (Holm-adjusted) interval is [low, high].

    ``as good`` comes first: an interval wholly inside ±margin means that the difference is too small
    to matter, even where it is not zero. Otherwise an interval on the good side of zero is ``better``,
    one on the bad side ``worse``, and any other ``undecided at this size``.

    Args:
        low: lower end of the interval.
        high: upper end.
        margin: the difference that does not matter, in the endpoint's unit.
        better: the good direction of the endpoint. With ``zero`` an effect is good if it brings the
            baseline nearer to zero without overshooting by as much: between 0 and -2 baseline.
        baseline: the baseline's own value, read only with ``zero``.

    Raises:
        ValueError: the endpoint has no good direction.
    """
    if better == "neither":
        raise ValueError("a descriptive metric cannot be an endpoint; choose one that can be better or worse")
    good = {
        "lower": (-np.inf, 0.0),
        "higher": (0.0, np.inf),
        "zero": (min(0.0, -2 * baseline), max(0.0, -2 * baseline)),
    }[better]
    if -margin < low and high < margin:
        return "as good"
    if good[0] < low and high < good[1]:
        return "better"
    if high < good[0] or low > good[1]:
        return "worse"
    return "undecided at this size"


def _stepped(p_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncapped adjusted p values, and the number of hypotheses that each is tested beside."""
    order = np.argsort(p_values, kind="stable")  # NaN goes last
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order))
    factor = np.maximum((~np.isnan(p_values)).sum() - rank, 1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate((p_values * factor)[order])
    return adjusted, factor
