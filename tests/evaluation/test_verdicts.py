import numpy as np
import pytest
from scipy import stats

from fedsoft.evaluation import Effects, decide, holm_interval, smallest_detectable
from fedsoft.holm import holm


def test_holm_by_hand():
    # sorted .01 .03 .04 times 3 2 1 gives .03 .06 .04, made monotone
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_holm_is_capped_and_skips_the_undefined():
    adjusted = holm(np.array([0.6, np.nan, 0.7]))
    assert adjusted[[0, 2]].tolist() == [1, 1]
    assert np.isnan(adjusted[1])
    assert holm(np.array([0.01, np.nan]))[0] == pytest.approx(0.01)


def test_holm_intervals_exclude_zero_exactly_where_the_adjusted_p_is_small(rng):
    for _ in range(200):
        effects = Effects(rng.normal(0, 2.5, size=6), np.ones(6), 9.0, 10)
        low, high = holm_interval(effects)
        assert (((low > 0) | (high < 0)) == (holm(effects.p_values) < 0.05)).all()


def test_a_lone_effect_keeps_its_interval():
    effects = Effects(np.array([1.0]), np.array([0.5]), 9.0, 10)
    np.testing.assert_allclose(holm_interval(effects), effects.interval())


def test_holm_intervals_of_sure_effects():
    # both p are 0: each is tested at .05 / 2 or .05 / 1 and its interval is a point
    low, high = holm_interval(Effects(np.array([1.0, 2.0]), np.zeros(2), 9.0, 10))
    assert low.tolist() == high.tolist() == [1, 2]


def test_smallest_detectable_is_near_the_published_constant():
    # 2.80 standard errors at 80 % power and 5 % level for many degrees of freedom (Bloom 1995)
    assert smallest_detectable(1.0, np.inf) == pytest.approx(2.80, abs=0.005)


@pytest.mark.parametrize("df", [1, 2, 3, 9, 1e6])
@pytest.mark.parametrize(("power", "level"), [(0.8, 0.05), (0.95, 0.05), (0.8, 0.05 / 12)])
def test_smallest_detectable_has_its_power(df, power, level):
    effect = smallest_detectable(1.0, df, power, level)
    assert stats.nct.sf(stats.t.isf(level / 2, df), df, effect) == pytest.approx(power, abs=1e-5)


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_smallest_detectable_is_found_as_often_as_it_says(seeds, rng):
    """Studies of few seeds, each tested with its own standard error; in their unit by the true one."""
    effect = smallest_detectable(1 / np.sqrt(seeds), seeds - 1)
    found = stats.ttest_1samp(rng.normal(effect, 1, size=(40_000, seeds)), 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(40_000))


def family(*estimates: float, se: float = 0.001, seeds: int = 10) -> Effects:
    return Effects(np.array(estimates), np.full(len(estimates), se), seeds - 1.0, seeds)


@pytest.mark.parametrize(
    ("estimate", "se", "better", "word"),
    [
        (-0.025, 0.002, "lower", "better"),
        (-0.025, 0.002, "higher", "worse"),
        (0.025, 0.002, "higher", "better"),
        (0.025, 0.002, "lower", "worse"),
        (-0.015, 0.007, "lower", "undecided at this size"),
        (0.0, 0.001, "lower", "as good"),
        (-0.003, 0.0005, "lower", "as good"),  # not zero, and too small to matter
        (-0.02, 0.008, "lower", "better"),
        (np.nan, np.nan, "lower", "undecided at this size"),
    ],
)
def test_words(estimate, se, better, word):
    (found,) = decide(family(estimate, se=se), 0.005, better)
    assert found.verdict == word
    if word == "as good":
        assert -0.005 < found.low <= found.high < 0.005
    elif word != "undecided at this size":
        assert found.low > 0 or found.high < 0


def test_one_seed_decides_nothing():
    for estimate in (0.0, 0.1):
        assert decide(family(estimate, seeds=1), 0.005, "lower")[0].verdict == "undecided at this size"


def test_as_good_is_adjusted_for_its_number():
    """Its own interval lies within the margin, but others beside it could have been found there by chance."""
    margin, se = 0.01, 0.004
    alone = decide(family(0.0005, se=se), margin, "lower")[0]
    among = decide(family(0.0005, *[0.012] * 19, se=se), margin, "lower")[0]
    assert (alone.verdict, among.verdict) == ("as good", "undecided at this size")


def test_false_claims_of_equality_are_as_rare_as_of_difference(rng):
    """Twenty cells just at the margin: some is called as good in at most one study of twenty."""
    margin, cells, studies = 0.01, 20, 400
    false = 0
    for _ in range(studies):
        draws = rng.normal(margin, 0.01, size=(10, cells))
        se = draws.std(axis=0, ddof=1) / np.sqrt(10)
        found = decide(Effects(draws.mean(axis=0), se, 9.0, 10), margin, "lower")
        false += any(one.verdict == "as good" for one in found)
    assert false <= stats.binom.ppf(0.99, studies, 0.05)


def test_a_descriptive_metric_is_no_endpoint():
    with pytest.raises(ValueError, match="descriptive"):
        decide(family(0.0), 0.1, "neither")


def test_equivalence_is_two_one_sided_tests():
    effects = Effects(np.array([0.004]), np.array([0.002]), 9.0, 10)
    t = stats.t(9)
    assert effects.equivalence(0.01)[0] == pytest.approx(2 * max(t.sf(3.0), t.sf(7.0)))
    low, high = effects.interval(effects.equivalence(0.01)[0])  # at this level the interval just touches
    assert max(-low[0], high[0]) == pytest.approx(0.01)
