from collections import Counter

import numpy as np
import pytest
from scipy import stats

from fedsoft.evaluation import Effects, GapEffects, decide

SEEDS, SE = 10, 0.01


def effects(draws: np.ndarray) -> Effects:
    """Means over seeds (seeds, M) and their standard errors."""
    return Effects(draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(SEEDS), SEEDS - 1.0, SEEDS)


def gaps(rng: np.random.Generator, new: float, baseline: float, studies: int) -> GapEffects:
    """Two gaps with a common and an own part of chance, in many studies."""
    spread = SE * np.sqrt(SEEDS)
    common = rng.normal(0, 0.7 * spread, (SEEDS, studies))
    a, b = (gap + common + rng.normal(0, 0.5 * spread, (SEEDS, studies)) for gap in (new, baseline))
    return GapEffects(effects(a - b), effects(a + b))


def words(found: GapEffects, margin: float) -> Counter[str]:
    """The verdict of each study by itself."""
    said: Counter[str] = Counter()
    for n in range(len(found.estimate)):
        one = GapEffects(
            *(Effects(e.estimate[[n]], e.se[[n]], e.df, e.seeds) for e in (found.difference, found.total))
        )
        said[decide(one, margin, "zero")[0].verdict] += 1
    return said


@pytest.mark.parametrize(
    ("a", "b"), [(0.03, 0.01), (-0.03, 0.01), (0.01, -0.03), (-0.02, -0.02), (0.0, 0.05)]
)
def test_the_estimate_is_the_difference_of_sizes(a, b):
    def sure(value: float) -> Effects:
        return Effects(np.array([value]), np.array([0.0]), 9.0, 10)

    found = GapEffects(sure(a - b), sure(a + b))
    assert found.estimate[0] == pytest.approx(abs(a) - abs(b))
    assert np.ravel(found.interval()) == pytest.approx([abs(a) - abs(b)] * 2)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.05), (0.05, -0.05), (0.02, -0.02), (0.004, 0.004), (0.0, 0.0)])
def test_equally_large_gaps_are_seldom_told_apart(rng, a, b):
    """Taking the baseline's gap as known makes a claim of most of them."""
    said = words(gaps(rng, a, b, 400), margin=1e-9)
    assert said["better"] + said["worse"] <= stats.binom.ppf(0.99, 400, 0.05)


def test_a_nearer_gap_is_found(rng):
    assert words(gaps(rng, 0.01, 0.07, 100), 0.005)["better"] > 90
    assert words(gaps(rng, -0.07, 0.01, 100), 0.005)["worse"] > 90


def test_gaps_that_differ_by_the_margin_are_seldom_as_good(rng):
    for a, b in ((0.03, 0.02), (0.03, -0.02), (0.01, 0.0)):
        assert words(gaps(rng, a, b, 400), margin=0.01)["as good"] <= stats.binom.ppf(0.99, 400, 0.05)


def test_levels_at_which_intervals_touch(rng):
    """The p values say at which level an interval first holds zero, or leaves the margin."""
    found = gaps(rng, 0.02, -0.01, 50)
    margin = 0.03
    low, high = found.interval(np.clip(found.p_values, 1e-12, 1))
    assert np.minimum(np.abs(low), np.abs(high)).max() < 1e-6
    p = found.equivalence(margin)
    inside = p < 1
    low, high = found.interval(np.where(inside, p, 0.5))
    assert np.maximum(-low, high)[inside] == pytest.approx(margin)
