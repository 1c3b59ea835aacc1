"""Which of two signed gaps is nearer to zero, when neither is known for sure."""

from dataclasses import dataclass

import numpy as np

from fedsoft.evaluation.statistics import Effects


@dataclass(frozen=True)
class GapEffects:
    """Effects on the size of a signed gap, |a| − |b|, as far as both gaps are uncertain.

    With D = a − b and S = a + b, |a| − |b| = max(min(D, S), min(−D, −S)): a is nearer to zero just where D
    and S have opposite signs. So a claim takes both, each beyond its own interval, which keeps the rate of
    false ones at the level wherever the two gaps are equally large (intersection-union test: Berger 1982,
    Technometrics 24:295). Taking b as known instead makes a claim of most ties.

    Attributes:
        difference: D, each a new gap less the baseline's.
        total: S, their sums.
    """

    difference: Effects
    total: Effects

    @property
    def estimate(self) -> np.ndarray:
        """(...) |a| − |b|; below zero the new gap is nearer to zero."""
        d, s = self.difference.estimate, self.total.estimate
        return _largest(d, d, s, s)

    @property
    def se(self) -> np.ndarray:
        """(...) that of D; where S may be zero the larger of both, since a claim needs both."""
        both = np.maximum(self.difference.se, self.total.se)
        return np.where(self.total.p_values < 0.05, self.difference.se, both)

    @property
    def df(self) -> float | np.ndarray:
        """Degrees of freedom of Student's t."""
        return self.difference.df

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return self.difference.seeds

    @property
    def p_values(self) -> np.ndarray:
        """(...) two-sided p values of equally large gaps."""
        return np.maximum(self.difference.p_values, self.total.p_values)

    def equivalence(self, margin: float) -> np.ndarray:
        """(...) p values of sizes apart by ``margin`` or more: intervals at these levels just touch it."""
        below_d, above_d = self.difference.one_sided(margin)
        below_s, above_s = self.total.one_sided(margin)
        return 2 * np.maximum.reduce(
            [
                np.minimum(below_d, below_s),
                np.minimum(above_d, above_s),
                np.minimum(above_d, below_s),
                np.minimum(below_d, above_s),
            ]
        )

    def interval(self, level: float | np.ndarray = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """Ends (...), (...) of what |a| − |b| may be where D and S may be anything in their intervals."""
        (d_low, d_high), (s_low, s_high) = self.difference.interval(level), self.total.interval(level)
        low = -_largest(-d_high, -d_low, s_low, s_high)
        return low, _largest(d_low, d_high, s_low, s_high)


def _largest(d_low: np.ndarray, d_high: np.ndarray, s_low: np.ndarray, s_high: np.ndarray) -> np.ndarray:
    """The largest max(min(D, S), min(−D, −S)) where D and S are within their ends."""
    return np.maximum(np.minimum(d_high, s_high), np.minimum(-d_low, -s_low))
