"""The one-run bound: published numbers, an independent port, and coverage where ε is attained."""

import numpy as np
import pytest
from scipy.stats import binom

from fedsoft.privacy.audit import audit_guesses, ceiling, ladder, lower_bound, p_value
from fedsoft.streams import stream


@pytest.mark.parametrize(
    ("canaries", "made", "right", "delta", "bound"),
    [(1000, 100, 75, 1e-4, 0.673), (100_000, 1510, 1439, 1e-5, 2.676)],
)
def test_published_bounds(canaries, made, right, delta, bound):
    """Steinke, Nasr, Jagielski 2023, appendix D and section 6."""
    assert lower_bound(canaries, made, right, delta) == pytest.approx(bound, abs=5e-4)


def by_the_appendix(m, r, v, epsilon, delta):
    """The paper's code, sum by sum."""
    q = 1 / (1 + np.exp(-epsilon))
    beta, alpha, total = binom.sf(v - 1, r, q), 0.0, 0.0
    for i in range(1, v + 1):
        total += binom.pmf(v - i, r, q)
        alpha = max(alpha, total / i)
    return min(beta + alpha * delta * 2 * m, 1)


@pytest.mark.parametrize("case", [(50, 20, 15, 0.7, 1e-3), (400, 400, 230, 0.1, 1e-5), (9, 9, 9, 3.0, 0.01)])
def test_p_values_are_those_of_the_appendix(case):
    assert p_value(*case) == pytest.approx(by_the_appendix(*case), rel=1e-9)


@pytest.mark.parametrize(("made", "most"), [(200, 4.19), (1000, 5.81)])
def test_the_ceiling_is_where_all_right_has_the_probability(made, most):
    assert ceiling(made, made) == pytest.approx(most, abs=5e-3)
    q = 1 / (1 + np.exp(-ceiling(made, made)))
    assert q**made == pytest.approx(0.05, rel=1e-4)


def test_a_delta_and_canaries_that_nobody_guessed_lower_the_bound():
    plain = lower_bound(1000, 100, 90)
    assert plain == lower_bound(100, 100, 90)
    assert 0 < lower_bound(1000, 100, 90, delta=1e-4) < lower_bound(100, 100, 90, delta=1e-4) < plain


def test_chance_shows_nothing():
    assert lower_bound(1000, 1000, 500) == lower_bound(1000, 1000, 520) == lower_bound(10, 0, 0) == 0
    assert lower_bound(1000, 1000, 527) > 0  # P[Bin(1000, 1/2) ≥ 527] = .047


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="cannot be"):
        p_value(10, 5, 6, 1.0)
    with pytest.raises(ValueError, match="finite"):
        audit_guesses(np.array([1.0, np.nan]), np.array([True, False]), stream("test", seed=0))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_the_bound_covers_what_attains_it(epsilon):
    """Every answer of randomized response is right with probability q, exactly."""
    made, q = 300, 1 / (1 + np.exp(-epsilon))
    right = np.arange(made + 1)
    above = np.array([lower_bound(made, made, v) > epsilon for v in right])
    assert 0.02 < binom.pmf(right[above], made, q).sum() <= 0.05


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_choosing_how_many_to_guess_is_corrected_for(epsilon):
    """Half of the canaries are told with ε, half with none: without a correction, more is too high."""
    rng, repeats, high, uncorrected = stream("test", seed=1), 400, 0, 0
    for _ in range(repeats):
        coin = rng.random(256) < 0.5
        truth = rng.random(256) < 1 / (1 + np.exp(-epsilon))
        told = np.where(truth, coin, ~coin)
        score = np.where(told, 1.0, -1.0) * rng.random(256)
        guessed = audit_guesses(score, coin, rng)
        right = ((score > 0) == coin)[np.argsort(-abs(score))].cumsum()
        high += guessed.epsilon > epsilon
        uncorrected += max(lower_bound(256, r, int(right[r - 1])) for r in ladder(256)) > epsilon
        assert guessed.epsilon <= guessed.ceiling
        assert guessed.right <= guessed.made
    assert high <= binom.ppf(0.999, repeats, 0.05)
    assert high < uncorrected


def test_sure_guesses_are_found_among_unsure_ones():
    rng = stream("test", seed=2)
    coin = rng.random(1024) < 0.5
    score = np.where(np.arange(1024) < 64, np.where(coin, 9.0, -9.0), rng.normal(size=1024))
    guessed = audit_guesses(score, coin, rng)
    assert (guessed.made, guessed.right, guessed.canaries) == (64, 64, 1024)
    assert guessed.epsilon == pytest.approx(lower_bound(1024, 64, 64, alpha=0.05 / 8))
    assert guessed.ceiling == pytest.approx(ceiling(1024, 1024, alpha=0.05 / 8))
    assert ladder(1024) == [1024, 512, 256, 128, 64, 32, 16, 8]


def test_where_nothing_is_known_guesses_are_tosses():
    """Coins that are all heads, and scores of zero, are half guessed."""
    guessed = audit_guesses(np.zeros(4000), np.ones(4000, bool), stream("test", seed=3))
    assert guessed.epsilon < 0.3
