"""A prior where nothing but votes is known: labels that are the votes' own majority."""

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, norm

from fedsoft.annotators.denoise import denoised_mixture_mean, fit_denoised_mixture
from fedsoft.annotators.mixture import Mixture, fit_mixture
from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.annotators.prior import fit_prior, posterior_mean, tally
from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError
from fedsoft.streams import stream

TWO = Mixture(np.array([0.3, 0.7]), np.array([[2.0, 0.5, 0.1], [0.4, 1.0, 3.0]]))


def ordinal(votes, items=1_500):
    """Ratings on a scale of five: what is seen lies on a line, more or less clearly."""
    rng = stream("ordinal crowd", votes=votes)
    edges = np.array([-np.inf, -1, -0.3, 0.5, 1.2, np.inf])
    middle, width = rng.normal(0, 1.2, items), np.exp(rng.normal(-0.6, 0.5, items))
    truth = np.diff(norm.cdf((edges - middle[:, np.newaxis]) / width[:, np.newaxis]), axis=1)
    return truth, rng.multinomial(votes, truth)


def divergence(truth, rows):
    """Mean KL of rows from the truth."""
    parts = np.where(truth > 0, truth * np.log(np.maximum(truth, 1e-300) / np.maximum(rows, 1e-9)), 0)
    return parts.sum(axis=1).mean()


def test_responsibilities_are_those_of_dirichlet_multinomials():
    votes = np.array([[3, 0, 1], [0, 2, 5], [1, 0, 0]])
    chance = [[dirichlet_multinomial.pmf(v, a, v.sum()) for a in TWO.alpha] for v in votes] * TWO.weights
    expected = chance / chance.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(TWO.responsibilities(votes), expected, rtol=1e-9)
    means = [posterior_mean(votes, alpha) for alpha in TWO.alpha]
    np.testing.assert_allclose(
        TWO.posterior_mean(votes), expected[:, :1] * means[0] + expected[:, 1:] * means[1], rtol=1e-9
    )


def test_draws_have_the_posterior_mean():
    votes = np.tile([[2, 1, 1]], (40_000, 1))
    drawn = TWO.posterior_draw(votes, stream("draws"))
    np.testing.assert_allclose(drawn.mean(axis=0), TWO.posterior_mean(votes[:1])[0], atol=0.005)


def test_concentration_by_hand():
    assert Mixture(np.ones(1), np.array([[1.0, 2.0, 0.5]])).concentration == pytest.approx(3.5)
    # Two coins that never change, .8 and .2: E[sum p²] = .68, sum E[p]² = .5.
    points = Mixture(np.array([0.5, 0.5]), 1e6 * np.array([[0.8, 0.2], [0.2, 0.8]]))
    assert points.concentration == pytest.approx(0.32 / 0.18, rel=1e-4)


def test_one_dirichlet_is_found_where_there_is_one():
    rng, alpha = stream("one dirichlet"), np.array([0.6, 0.3, 0.9])
    fitted = fit_mixture(rng.multinomial(5, rng.dirichlet(alpha, 20_000)))
    np.testing.assert_allclose(fitted.alpha, [alpha], rtol=0.05)
    np.testing.assert_array_equal(fitted.weights, [1])


def test_a_mixture_is_found_where_there_is_one():
    rng = stream("two dirichlets")
    component = (rng.random(20_000) < TWO.weights[1]).astype(int)
    truth = np.array([rng.dirichlet(TWO.alpha[k]) for k in component])
    fitted = fit_mixture(rng.multinomial(10, truth))
    assert len(fitted.weights) == 3
    best = TWO.posterior_mean(votes := rng.multinomial(10, truth))
    assert divergence(truth, fitted.posterior_mean(votes)) < 1.02 * divergence(truth, best)


@pytest.mark.parametrize("votes", [3, 4, 10])
def test_it_is_nearer_to_the_truth_than_shares_and_than_priors_within_the_majority(votes):
    truth, counts = ordinal(votes)
    mine = fit_mixture(counts).posterior_mean(counts)
    labels = counts.argmax(axis=1)
    within = posterior_mean(counts, fit_prior(tally(counts, labels, votes))[labels])
    shares = 0.99 * counts / votes + 0.01 / 5  # KL is finite
    assert divergence(truth, mine) < 0.8 * min(divergence(truth, rows) for rows in (within, shares))
    deviation = [np.abs(rows - truth).sum(axis=1).mean() for rows in (mine, within, counts / votes)]
    assert deviation[0] < min(deviation[1:])


def test_draws_spread_as_items_do():
    truth, counts = ordinal(4)
    drawn = fit_mixture(counts).posterior_draw(counts, stream("draws"))
    assert (drawn**2).sum(axis=1).mean() == pytest.approx((truth**2).sum(axis=1).mean(), rel=0.03)


def test_radiologists_differ_as_far_as_a_handful_of_readings_says():
    """Priors within the majority find concentrations above 10,000 here: nearly no spread at all."""
    assert 1 < fit_mixture(DATASETS.parse("lidc").load().votes).concentration < 10


def test_single_votes_do_not_say_how_items_differ():
    with pytest.raises(DataError, match="single vote"):
        fit_mixture(np.eye(3, dtype=np.int64))


def test_responsibilities_of_slipped_votes_are_those_of_dirichlet_moments():
    """Two votes: their chance is a second moment of what is said, (1 - r) p + r (1 - p)/(C - 1)."""
    rate, votes = 0.2, np.array([[2, 0, 0], [1, 0, 1], [0, 1, 1]])
    keep, rest = 1 - rate - rate / 2, rate / 2
    chance = []
    for alpha in TWO.alpha:
        total, mean = alpha.sum(), alpha / alpha.sum()
        second = (np.outer(alpha, alpha) + np.diag(alpha)) / (total * (total + 1))
        said = keep**2 * second + keep * rest * np.add.outer(mean, mean) + rest**2
        chance.append([said[0, 0], 2 * said[0, 2], 2 * said[1, 2]])
    expected = np.array(chance).T * TWO.weights
    expected /= expected.sum(axis=1, keepdims=True)
    each = [denoised_mixture_mean(votes, Mixture(np.ones(1), alpha[None]), rate) for alpha in TWO.alpha]
    mixed = expected[:, :1] * each[0] + expected[:, 1:] * each[1]
    np.testing.assert_allclose(denoised_mixture_mean(votes, TWO, rate), mixed, rtol=1e-6)


def test_without_slips_denoising_is_shrinking():
    _, counts = ordinal(4, items=300)
    plain, denoised = fit_mixture(counts), fit_denoised_mixture(counts, 0.0)
    np.testing.assert_array_equal(plain.alpha, denoised.alpha)
    mean = denoised_mixture_mean(counts, denoised, 0.0)
    np.testing.assert_allclose(mean, plain.posterior_mean(counts), atol=1e-9)


def test_slips_are_explained_away():
    truth, counts = ordinal(6)
    slipped = slip(counts, 0.2, uniform_others(5), stream("slips"))
    denoised = denoised_mixture_mean(slipped, fit_denoised_mixture(slipped, 0.2), 0.2)
    shrunk = fit_mixture(slipped).posterior_mean(slipped)
    assert divergence(truth, denoised) < 0.9 * divergence(truth, shrunk)
