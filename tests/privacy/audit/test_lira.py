"""Likelihood ratios from shadow models."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import norm

from fedsoft.privacy.audit import area_under_curve, log_likelihood_ratio, log_odds, pooled_evidence
from fedsoft.streams import stream


def test_log_odds_of_a_label_are_its_logit():
    probs = np.array([[0.7, 0.2, 0.1], [0.01, 0.98, 0.01]])
    np.testing.assert_allclose(log_odds(probs, np.eye(3)[[0, 1]]), logit([0.7, 0.98]))
    soft = np.array([0.5, 0.25, 0.25])
    assert log_odds(probs[0], soft) == pytest.approx(soft @ logit(probs[0]))


def test_log_odds_of_sure_models_are_finite():
    sure = np.array([[1.0, 0.0, 0.0]], np.float32)
    assert np.isfinite(log_odds(sure, np.eye(3)[[0]])).all()
    assert log_odds(sure, np.eye(3)[[0]]) > 20 > -20 > log_odds(sure, np.eye(3)[[1]])


def worlds(rng, shadows, examples, shift):
    world = rng.permuted(np.tile(np.arange(shadows) % 2 == 0, (examples, 1)), axis=1).T
    own = rng.normal(0, 5, examples)  # examples differ more than worlds do
    return own + rng.normal(size=(shadows, examples)) + shift * world, world


@pytest.mark.parametrize("pooled", [True, False])
def test_examples_are_compared_with_themselves(pooled):
    """With means and variances known, the AUC of a shift by d standard deviations is Φ(d / √2)."""
    rng = stream("test", seed=0)
    phi, world = worlds(rng, 204, 500, 1.5)
    score = log_likelihood_ratio(phi[:200], world[:200], phi[200:], pooled)
    assert area_under_curve(score, world[200:]) == pytest.approx(norm.cdf(1.5 / 2**0.5), abs=0.02)
    assert area_under_curve(phi[200:], world[200:]) < 0.65


def test_the_ratio_is_that_of_two_normals():
    shadow = np.array([[0.0], [2.0], [4.0], [10.0], [11.0], [12.0]])
    world = np.array([[False], [False], [False], [True], [True], [True]])
    seen = np.array([[7.0], [3.0]])
    expected = norm.logpdf(seen, 11, 1) - norm.logpdf(seen, 2, 2)
    np.testing.assert_allclose(log_likelihood_ratio(shadow, world, seen, pooled=False), expected)
    above = log_likelihood_ratio(shadow, world, seen, pooled=False, offline=True)
    np.testing.assert_allclose(above, (seen - 2) / 2)


def test_pooling_is_one_variance_a_world():
    rng = stream("test", seed=1)
    phi, world = worlds(rng, 8, 4000, 0.0)
    seen = phi[:1]
    ratio = log_likelihood_ratio(phi, world, seen, pooled=True, offline=True)
    apart = seen - np.nanmedian(np.where(world, np.nan, phi), axis=0)
    assert (apart / ratio).std() < 1e-9
    assert (apart / ratio).mean() == pytest.approx(1.1, abs=0.1)  # medians of four vary more than means


def test_where_worlds_are_alike_nothing_is_found():
    phi, world = worlds(stream("test", seed=2), 40, 2000, 0.0)
    score = log_likelihood_ratio(phi[:32], world[:32], phi[32:])
    assert area_under_curve(score, world[32:]) == pytest.approx(0.5, abs=0.02)


def test_too_few_shadow_models_are_refused():
    with pytest.raises(ValueError, match="two shadow models"):
        log_likelihood_ratio(np.zeros((2, 3)), np.array([[True] * 3, [False] * 3]), np.zeros((1, 3)))


def test_groups_with_less_noise_are_surer():
    """Mean ±1 with standard deviations 1 and 3: the log-likelihood ratio is 2 φ / σ²."""
    rng = stream("test", seed=3)
    group = np.repeat([18, 50], 500)
    world = rng.random((40, 1000)) < 0.5
    phi = np.where(world, 1, -1) + rng.normal(size=world.shape) * np.where(group == 18, 1, 3)
    seen = np.tile([[0.0], [2.0]], 1000)
    score = pooled_evidence(phi, world, seen, group)
    assert (score[0] == 0).all()
    assert score[1, 0] / score[1, -1] == pytest.approx(9, rel=0.1)
