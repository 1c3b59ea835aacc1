import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import dirichlet_multinomial

from fedsoft.annotators.prior import fit_prior, posterior_draw, posterior_mean, tally
from fedsoft.errors import DataError
from fedsoft.streams import stream


def crowd(alpha, images, votes, seed=0):
    rng = stream("prior crowd", seed=seed)
    truth = rng.dirichlet(alpha, images)
    return truth, rng.multinomial(votes, truth)


def fit(counts, labels=None):
    """The priors of all labels, or of the one label that all images have."""
    alike = np.zeros(len(counts), dtype=int)
    prior = fit_prior(
        tally(np.asarray(counts), alike if labels is None else labels, int(np.sum(counts, axis=1).max()))
    )
    return prior[0] if labels is None else prior


def squared_error(rows, truth):
    return ((rows - truth) ** 2).sum(axis=1).mean()


def test_tallies_by_hand():
    one = tally(np.array([[2, 0], [1, 1]]), np.array([1, 1]), 3)
    np.testing.assert_array_equal(one.above[1], [[2, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(one.total_above, [[0, 0, 0], [2, 2, 0]])


def test_clients_sums_give_the_pooled_fit():
    rng = stream("clients")
    _, votes = crowd([3, 1, 0.5], 300, rng.integers(1, 9, 300))
    labels, client = rng.integers(0, 3, 300), rng.integers(0, 4, 300)
    first, *rest = (tally(votes[client == k], labels[client == k], 8) for k in range(4))
    together = sum(rest, start=first)
    np.testing.assert_array_equal(fit_prior(together), fit_prior(tally(votes, labels, 8)))


def test_the_fit_is_the_maximum_of_the_likelihood():
    _, votes = crowd([2, 0.6, 0.3], 400, 6)

    def loss(logs):
        return -dirichlet_multinomial.logpmf(votes, np.exp(logs), 6).sum()

    best = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    np.testing.assert_allclose(fit(votes), np.exp(best.x), rtol=1e-4)


def test_the_fit_recovers_each_labels_own_prior():
    priors = np.array([[8.0, 1, 1], [0.1, 0.3, 0.1], [1, 1, 4]])
    votes = np.concatenate([crowd(alpha, 20_000, 12, seed)[1] for seed, alpha in enumerate(priors)])
    np.testing.assert_allclose(fit(votes, np.repeat([0, 1, 2], 20_000)), priors, rtol=0.06)


@pytest.mark.parametrize("alpha", [[4, 0.8, 0.2], [0.5, 0.3, 0.1], [40, 8, 2]])
@pytest.mark.parametrize("votes", [2, 5])
def test_the_posterior_mean_is_nearer_to_the_truth_than_shares_of_few_votes(alpha, votes):
    truth, counts = crowd(alpha, 3_000, votes)
    shrunk = posterior_mean(counts, fit(counts))
    assert squared_error(shrunk, truth) < 0.95 * squared_error(counts / votes, truth)
    # no estimator is better than the posterior mean under the true prior
    best = squared_error(posterior_mean(counts, np.array(alpha)), truth)
    assert squared_error(shrunk, truth) < 1.03 * best


def test_many_votes_need_no_prior():
    _, counts = crowd([4, 0.8, 0.2], 300, 2_000)
    np.testing.assert_allclose(posterior_mean(counts, fit(counts)), counts / 2_000, atol=0.003)


def test_images_that_do_not_differ_get_their_labels_mean():
    counts = stream("alike").multinomial(5, [0.8, 0.15, 0.05], size=3_000)
    shrunk = posterior_mean(counts, fit(counts))
    np.testing.assert_allclose(shrunk, [[0.8, 0.15, 0.05]] * 3_000, atol=0.06)


def test_unanimous_votes_stay_as_they_are():
    same = np.array([[4, 0, 0]] * 50)
    np.testing.assert_array_equal(posterior_mean(same, fit(same)), same / 4)
    split = np.array([[4, 0, 0]] * 40 + [[0, 4, 0]] * 10)  # each image is one class or the other
    np.testing.assert_allclose(posterior_mean(split, fit(split)), split / 4, atol=0.01)


def test_a_class_that_nobody_chose_under_a_label_keeps_no_mass():
    counts = np.array([[3, 1, 0], [2, 2, 0], [4, 0, 0]])
    assert (posterior_mean(counts, fit(counts))[:, 2] == 0).all()


def test_single_votes_do_not_say_how_images_differ():
    labels = np.array([0, 0, 1, 1])
    with pytest.raises(DataError, match=r"label 1 have a single vote.*collect two"):
        fit([[2, 0], [1, 1], [1, 0], [0, 1]], labels)


def test_draws_differ_as_images_do():
    truth, counts = crowd([1.0, 0.3, 0.1], 20_000, 4)
    prior = fit(counts)
    drawn = posterior_draw(counts, np.broadcast_to(prior, counts.shape), stream("draws"))
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.var(axis=0), truth.var(axis=0), rtol=0.05)
    assert posterior_mean(counts, prior).var(axis=0)[0] < 0.85 * truth.var(axis=0)[0]
    assert (counts / 4).var(axis=0)[0] > 1.05 * truth.var(axis=0)[0]
