"""Randomized response with a prior."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import chi2_contingency

from fedsoft.privacy import Answers, RandomizedResponse, RRWithPrior
from fedsoft.privacy.labels.prior import likely, respond
from fedsoft.privacy.labels.randomized_response import randomize
from fedsoft.streams import stream

PRIORS = np.array(
    [[0.6, 0.3, 0.1, 0.0], [0.25, 0.25, 0.25, 0.25], [0.05, 0.8, 0.1, 0.05], [0.4, 0.3, 0.2, 0.1]]
)
MANY = 60_000


def told(prior, epsilon, says):
    votes = np.zeros((MANY, len(prior)), dtype=np.int64)
    votes[:, says] = 1
    return respond(votes, np.tile(prior, (MANY, 1)), np.full(MANY, epsilon), stream("told", says=says))


def test_which_classes_are_likely_by_hand():
    # w = 0.6, e/(e+1) 0.9 = 0.658, e/(e+2) 1 = 0.576: two classes
    order, k = likely(np.array([[0.1, 0.6, 0.3]]), np.array([1.0]))
    assert (order.tolist(), k.tolist()) == ([[1, 2, 0]], [2])
    assert likely(np.array([[0.1, 0.6, 0.3]]), np.array([0.1]))[1] == [1]
    assert likely(np.array([[0.1, 0.6, 0.3]]), np.array([4.0]))[1] == [3]


@pytest.mark.parametrize("epsilon", [1e-6, 0.3, 1.0, 5.0])
def test_a_uniform_prior_asks_among_all_classes(epsilon):
    assert likely(np.full((1, 10), 0.1), np.array([epsilon]))[1] == [10]


def test_a_uniform_prior_is_randomized_response():
    counts = []
    for says in range(3):
        votes = np.eye(3, dtype=np.int64)[np.full(MANY, says)] * 2
        prior, epsilon = np.full((MANY, 3), 1 / 3), np.full(MANY, 1.0)
        for made in (
            respond(votes, prior, epsilon, stream("with", says=says)),
            randomize(votes, 1.0, stream("without", says=says)),
        ):
            counts.append(np.unique(made @ [1, 3, 9], return_counts=True)[1])
        assert chi2_contingency(counts[-2:]).pvalue > 1e-3


def test_votes_for_likely_classes_and_for_others():
    prior, epsilon = np.array([0.1, 0.6, 0.3]), 1.0
    truth, lie = np.e / (np.e + 1), 1 / (np.e + 1)
    for says, expected in ((0, [0, 0.5, 0.5]), (1, [0, truth, lie]), (2, [0, lie, truth])):
        np.testing.assert_allclose(told(prior, epsilon, says).mean(axis=0), expected, atol=0.01)


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("prior", PRIORS)
def test_no_mechanism_of_that_epsilon_tells_the_truth_more_often(prior, epsilon):
    """The largest Σ_y p(y) P(y | y) over all stochastic matrices with ratios within e^ε, a linear program."""
    classes = len(prior)
    place = np.arange(classes**2).reshape(classes, classes)  # [truth, told]
    gain = np.zeros(classes**2)
    gain[np.diag(place)] = -prior
    bounds = []
    for out in range(classes):
        for a in range(classes):
            for b in range(classes):
                if a != b:
                    row = np.zeros(classes**2)
                    row[place[a, out]], row[place[b, out]] = 1, -np.exp(epsilon)
                    bounds.append(row)
    sums = np.kron(np.eye(classes), np.ones(classes))
    best = linprog(gain, np.array(bounds), np.zeros(len(bounds)), sums, np.ones(classes), (0, 1))
    found = sum(prior[says] * told(prior, epsilon, says)[:, says].mean() for says in range(classes))
    assert found == pytest.approx(-best.fun, abs=0.01)
    _, k = likely(prior[np.newaxis], np.array([epsilon]))
    mass = np.sort(prior)[::-1][: k[0]].sum()
    assert -best.fun == pytest.approx(np.exp(epsilon) / (np.exp(epsilon) + k[0] - 1) * mass, rel=1e-6)


def test_a_vote_has_no_part_in_which_classes_are_likely():
    for says in range(4):
        assert (told(PRIORS[0], 1.0, says)[:, 2:] == 0).all()


def test_examples_without_a_prior_are_asked_as_in_the_first_stage():
    votes = np.array([[3, 1, 0], [0, 2, 2], [1, 1, 1], [4, 0, 0]] * 5)
    prior = np.full(votes.shape, np.nan)
    prior[1::2] = [0.1, 0.6, 0.3]
    client = np.arange(len(votes)) % 2
    given, alone = Answers(votes, client, prior=prior), np.flatnonzero(np.isnan(prior[:, 0]))
    for unit in ("vote", "image", "client"):
        private = RRWithPrior(epsilon=0.8, unit=unit)
        soft = private.apply(given, stream("draws"))
        np.testing.assert_allclose(soft.sum(axis=1), 1)
        first = private.first_stage()
        assert isinstance(first, RandomizedResponse)
        asked, epsilon = first.asked(given.subset(alone))
        expected = randomize(asked.votes, epsilon, stream("draws")) / votes[alone].sum(axis=1, keepdims=True)
        np.testing.assert_allclose(soft[alone], expected, atol=1e-12)
        assert private.spent(given) == first.spent(given)
        np.testing.assert_array_equal(private.softening(given), first.softening(given))


def test_it_has_nothing_to_project():
    with pytest.raises(ValueError, match="project: private votes are not corrected here"):
        RRWithPrior.parse({"epsilon": 1, "project": False})
