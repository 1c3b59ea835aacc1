from itertools import product

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial

from fedsoft.annotators.denoise import denoised_mean, expected_tallies, fit_denoised_prior
from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.annotators.prior import fit_prior, posterior_mean, tally
from fedsoft.annotators.slip_rate import largest_rate
from fedsoft.errors import FedsoftWarning
from fedsoft.streams import stream

PRIOR = np.array([[3.0, 0.6, 0.2], [0.2, 0.8, 0.1], [1.0, 1.0, 5.0]])


def what_was_seen(votes, rate):
    """Every way in which an image's votes may have been seen: counts of classes, and the probability."""
    classes = len(votes)
    says = (1 - rate) * np.eye(classes) + rate * uniform_others(classes)
    answers = np.repeat(np.arange(classes), votes)
    for seen in product(range(classes), repeat=len(answers)):
        yield np.bincount(seen, minlength=classes), says[list(seen), answers].prod()


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.6])
def test_the_posterior_is_the_sum_over_all_that_may_have_been_seen(rate):
    alpha = PRIOR[0]
    for votes in ([3, 2, 1], [0, 4, 0], [1, 0, 0], [0, 1, 4]):
        mean, total = np.zeros(3), 0.0
        for seen, probability in what_was_seen(votes, rate):
            # one sequence of seen classes, not their counts
            ways = dirichlet_multinomial.pmf(seen, alpha, sum(votes)) / _orders(seen)
            mean += probability * ways * (alpha + seen) / (alpha.sum() + sum(votes))
            total += probability * ways
        found = denoised_mean(np.array([votes]), alpha[np.newaxis], rate)[0]
        np.testing.assert_allclose(found, mean / total, rtol=1e-9)


def _orders(counts):
    factorial = [1, 1, 2, 6, 24, 120, 720]
    return factorial[sum(counts)] / np.prod([factorial[count] for count in counts])


def crowd(rate, votes, images=4_000):
    rng = stream("denoised crowd")
    labels = rng.integers(0, 3, images)
    truth = np.array([rng.dirichlet(PRIOR[label]) for label in labels])
    return truth, slip(rng.multinomial(votes, truth), rate, uniform_others(3), rng), labels


def test_without_slips_it_is_the_shrunk_posterior():
    _, votes, labels = crowd(0.0, 4)
    prior = fit_prior(tally(votes, labels, 4))
    np.testing.assert_array_equal(fit_denoised_prior(votes, labels, 0.0), prior)
    same = posterior_mean(votes, prior[labels])
    np.testing.assert_allclose(denoised_mean(votes, prior[labels], 0.0), same, atol=1e-12)


def test_votes_that_say_nothing_leave_the_prior():
    votes = np.array([[5, 0, 0], [0, 3, 3]])
    mean = denoised_mean(votes, PRIOR[:2], largest_rate(3))
    np.testing.assert_allclose(mean, PRIOR[:2] / PRIOR[:2].sum(axis=1, keepdims=True))


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_the_prior_behind_slips_is_recovered(rate):
    _, votes, labels = crowd(rate, 20, images=15_000)
    prior = fit_denoised_prior(votes, labels, rate)
    means, true_means = (p / p.sum(axis=1, keepdims=True) for p in (prior, PRIOR))
    np.testing.assert_allclose(means, true_means, atol=0.012)
    np.testing.assert_allclose(prior.sum(axis=1), PRIOR.sum(axis=1), rtol=0.12)


@pytest.mark.parametrize("votes", [3, 10, 40])
def test_it_is_nearer_to_the_truth_than_raw_and_shrunk_votes(votes):
    truth, counts, labels = crowd(0.15, votes)
    shrunk = posterior_mean(counts, fit_prior(tally(counts, labels, votes))[labels])
    denoised = denoised_mean(counts, fit_denoised_prior(counts, labels, 0.15)[labels], 0.15)
    errors = [((rows - truth) ** 2).sum(axis=1).mean() for rows in (denoised, shrunk, counts / votes)]
    assert errors[0] < 0.9 * min(errors[1:])


def test_clients_expected_tallies_add_up():
    _, votes, labels = crowd(0.1, 6, images=200)
    parts = [expected_tallies(votes[k::3], labels[k::3], PRIOR, 0.1, 6) for k in range(3)]
    together, pooled = sum(parts[1:], start=parts[0]), expected_tallies(votes, labels, PRIOR, 0.1, 6)
    np.testing.assert_allclose(together.above, pooled.above, atol=1e-9)
    np.testing.assert_allclose(together.total_above, pooled.total_above, atol=1e-9)


def test_expected_tallies_without_slips_are_the_tallies():
    _, votes, labels = crowd(0.0, 5, images=200)
    expected, plain = expected_tallies(votes, labels, PRIOR, 0.0, 5), tally(votes, labels, 5)
    np.testing.assert_allclose(expected.above, plain.above, atol=1e-9)
    np.testing.assert_allclose(expected.total_above, plain.total_above, atol=1e-9)


def test_hundreds_of_votes_stay_finite():
    votes = np.array([[480, 15, 5], [0, 500, 0]])
    for rate in (0.0, 0.02, 0.3):
        mean = denoised_mean(votes, np.array([[0.5, 0.01, 1e-4], [1e-3, 40.0, 0.0]]), rate)
        np.testing.assert_allclose(mean.sum(axis=1), 1)
    # .02 of 500 votes slip, five to each class: the last class had no more than that
    assert denoised_mean(votes, np.array([[5.0, 0.1, 0.1]] * 2), 0.02)[0, 2] < 0.004


def test_em_that_does_not_settle_is_told(monkeypatch, recwarn):
    labels = np.repeat([0, 1], 200)
    rng = stream("unsettled")
    seen = np.stack([rng.multinomial(5, rng.dirichlet([[2, 1], [1, 2]][label])) for label in labels])
    fit_denoised_prior(seen, labels, 0.2)
    assert not recwarn
    monkeypatch.setattr("fedsoft.annotators.denoise.MOST_STEPS", 1)
    with pytest.warns(FedsoftWarning, match=r"rate of 0\.2 did not settle in 1 steps.*votes an image"):
        fit_denoised_prior(seen, labels, 0.2)
