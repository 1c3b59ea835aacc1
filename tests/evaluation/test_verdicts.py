import numpy as np
import pytest
from scipy import stats

from fedsoft.evaluation import Effects, holm, holm_interval, smallest_detectable, verdict


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


@pytest.mark.parametrize(
    ("low", "high", "better", "baseline", "word"),
    [
        (-0.03, -0.02, "lower", 0, "better"),
        (-0.03, -0.02, "higher", 0, "worse"),
        (0.02, 0.03, "higher", 0, "better"),
        (0.02, 0.03, "lower", 0, "worse"),
        (-0.03, 0.001, "lower", 0, "undecided at this size"),
        (-0.004, 0.004, "lower", 0, "as good"),
        (-0.004, -0.002, "lower", 0, "as good"),
        (-0.03, -0.002, "lower", 0, "better"),
        # a gap of +.05: down by .02 to .06 is nearer to zero, down by .12 is beyond, up is away
        (-0.06, -0.02, "zero", 0.05, "better"),
        (-0.15, -0.12, "zero", 0.05, "worse"),
        (-0.12, -0.02, "zero", 0.05, "undecided at this size"),
        (0.02, 0.03, "zero", 0.05, "worse"),
        (0.02, 0.03, "zero", -0.05, "better"),
        (np.nan, np.nan, "lower", 0, "undecided at this size"),
    ],
)
def test_words(low, high, better, baseline, word):
    assert verdict(low, high, 0.005, better, baseline) == word


def test_a_descriptive_metric_is_no_endpoint():
    with pytest.raises(ValueError, match="descriptive"):
        verdict(0.0, 1.0, 0.1, "neither")
