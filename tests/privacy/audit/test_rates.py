"""Rates and what they imply, against SciPy and by hand."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from fedsoft.privacy.audit import (
    area_under_curve,
    clopper_pearson,
    epsilon_of_rates,
    epsilon_of_scores,
    rate_at,
)
from fedsoft.streams import stream


@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (3, 20), (20, 20), (817, 1000)])
def test_intervals_are_those_of_scipy(hits, trials):
    exact = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, trials) == pytest.approx((exact.low, exact.high))


def test_the_bound_of_rates_by_hand():
    low = binomtest(900, 1000).proportion_ci(0.95, method="exact").low
    high = binomtest(50, 1000).proportion_ci(0.95, method="exact").high
    assert epsilon_of_rates(900, 1000, 50, 1000) == pytest.approx(math.log(low / high))
    assert epsilon_of_rates(900, 1000, 50, 1000, delta=0.1) == pytest.approx(math.log((low - 0.1) / high))
    assert epsilon_of_rates(500, 1000, 500, 1000) == 0
    assert epsilon_of_rates(10, 1000, 0, 1000, delta=0.5) == 0


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_the_bound_of_rates_covers_what_attains_it(epsilon):
    """A test of randomized response says "in" with probability q and 1 - q."""
    rng, q = stream("test", seed=0), 1 / (1 + np.exp(-epsilon))
    hits, false = rng.binomial(300, q, 2000), rng.binomial(300, 1 - q, 2000)
    bounds = [epsilon_of_rates(int(h), 300, int(f), 300) for h, f in zip(hits, false, strict=True)]
    assert np.mean(np.array(bounds) > epsilon) <= 0.05


def test_the_area_under_the_curve_counts_pairs():
    rng = stream("test", seed=1)
    score, member = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.4
    inside, outside = score[member][:, None], score[~member][None]
    assert area_under_curve(score, member) == pytest.approx(
        np.mean((inside > outside) + (inside == outside) / 2)
    )
    assert math.isnan(area_under_curve(score, np.ones(40, bool)))


def test_the_rate_at_a_false_rate():
    score = np.concatenate([np.arange(1000), [998.5, 999.5, 5.0, 1001.0]])
    member = np.arange(1004) >= 1000
    assert rate_at(score, member, 0.001).value == 0.75  # above 998, as one of a thousand others is
    assert rate_at(score, member, 0.01).value == 0.75
    assert (rate_at(score, member, 0.001).low, rate_at(score, member, 0.001).high) == clopper_pearson(3, 4)
    assert math.isnan(rate_at(score[1:], member[1:], 0.0001).value)


def test_ties_are_told_from_none():
    score, member = np.zeros(2000), np.arange(2000) % 2 == 0
    assert rate_at(score, member, 0.01).value == 0


def test_a_threshold_is_tried_on_scores_that_did_not_choose_it():
    rng = stream("test", seed=2)
    member = rng.random(20_000) < 0.5
    score = rng.normal(size=20_000) + 2 * member
    half = slice(10_000), slice(10_000, None)
    found = epsilon_of_scores(*((score[part], member[part]) for part in half))
    best = max(math.log(norm.sf(t - 2) / norm.sf(t)) for t in np.linspace(0, 3, 100))
    assert 2 < found < best
    told = (np.where(member, 9.0, -9.0)[:300], member[:300])
    assert epsilon_of_scores(told, (rng.normal(size=300), member[300:600])) == 0
    assert epsilon_of_scores((score[half[0]], member[half[0]]), told) > 3
    noise = epsilon_of_scores(*((rng.normal(size=300), rng.random(300) < 0.5) for _ in range(2)))
    assert noise < 0.3
