"""Laplace and discrete Gaussian noise on counts of votes."""

import math

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from fedsoft.datasets import Annotations
from fedsoft.privacy import Answers, DiscreteGaussian, Laplace
from fedsoft.privacy.labels.concentrated import epsilon_of, rho_of
from fedsoft.privacy.labels.discrete_gaussian import discrete_gaussian
from fedsoft.privacy.labels.laplace import discrete_laplace
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.streams import stream

ROW = np.array([5, 2, 0, 1])


def tiled(draws, row=ROW):
    return Answers(np.tile(row, (draws, 1)), np.zeros(draws, dtype=np.int64))


@pytest.mark.parametrize("rate", [0.2, 1.0, 3.0])
def test_discrete_laplace_by_its_probabilities(rate):
    drawn, q = discrete_laplace(rate, (200_000,), stream("laplace")), np.exp(-rate)
    z = np.arange(-60, 61)
    prob = (1 - q) / (1 + q) * q ** np.abs(z)
    assert prob.sum() == pytest.approx(1, abs=1e-4)
    often = prob * len(drawn) > 10
    counts = np.array([(drawn == one).sum() for one in z[often]])
    rest = len(drawn) - counts.sum()
    expected = prob[often] * len(drawn)
    assert chisquare([*counts, rest], [*expected, len(drawn) - expected.sum()]).pvalue > 1e-4


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_laplace_variance_in_closed_form(epsilon):
    """Of a share of n votes: 2q / (1-q)² / n², less what centring takes off."""
    soft = Laplace(epsilon=epsilon, project=False).apply(tiled(100_000), stream("laplace"))
    q = np.exp(-epsilon / 2)
    expected = 2 * q / (1 - q) ** 2 / 8**2 * (1 - 1 / 4)
    np.testing.assert_allclose(soft.var(axis=0), expected, rtol=0.05)
    np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.7])
def test_discrete_gaussian_by_its_probabilities(sigma):
    drawn = discrete_gaussian(np.full(200_000, sigma), stream("gaussian"))
    z = np.arange(-60, 61)
    prob = np.exp(-(z**2) / (2 * sigma**2))
    prob /= prob.sum()
    often = prob * len(drawn) > 10
    counts = np.array([(drawn == one).sum() for one in z[often]])
    assert chisquare(counts, prob[often] / prob[often].sum() * counts.sum()).pvalue > 1e-4
    assert (~np.isin(drawn, z[often])).mean() < 1e-3
    assert drawn.var() <= sigma**2 * 1.02  # never more than the continuous one's


def test_discrete_gaussian_of_many_widths_at_once():
    drawn = discrete_gaussian(np.tile([[0.0, 2.0, 1000.0]], (50_000, 1)), stream("gaussian"))
    assert (drawn[:, 0] == 0).all()
    np.testing.assert_allclose(drawn[:, 1:].std(axis=0), [2, 1000], rtol=0.02)


@pytest.mark.parametrize("mechanism", [Laplace(epsilon=1), DiscreteGaussian(epsilon=2, delta=1e-3)])
def test_unbiased_before_projection(mechanism):
    soft = mechanism.release(tiled(100_000), stream("mean"))
    error = soft.std(axis=0) / np.sqrt(len(soft))
    assert (abs(soft.mean(axis=0) - ROW / 8) < 4.5 * error).all()
    assert soft.min() < 0


@pytest.mark.parametrize("mechanism", [Laplace, DiscreteGaussian])
@pytest.mark.parametrize("unit", ["vote", "image", "client"])
def test_infinite_epsilon_is_the_human_soft_label(mechanism, unit):
    delta = {"delta": 1e-5} if mechanism is DiscreteGaussian else {}
    private = mechanism(epsilon=math.inf, unit=unit, **delta)
    np.testing.assert_allclose(private.apply(tiled(3), stream("none")), np.tile(ROW / 8, (3, 1)), atol=1e-12)
    assert private.spent(tiled(3))["epsilon_per_image_max"] == math.inf


def test_rho_by_published_and_independent_numbers():
    # One Gaussian of σ = 1 is ½-zCDP; Rényi accountants give ε = 4.73 at δ = 1e-5 for it.
    assert epsilon_of(np.array([0.5]), 1e-5)[0] == pytest.approx(4.728, abs=2e-3)
    for rho, delta in ((0.01, 1e-6), (0.5, 1e-5), (3.0, 1e-8)):
        less = np.exp(np.linspace(-8, 8, 200_001))
        log_delta = np.log(delta)  # of proposition 12, at each α, solved for ε by bisection
        low, high = np.zeros_like(less), np.full_like(less, 1e5)
        for _ in range(80):
            middle = (low + high) / 2
            a = less + 1
            above = less * (a * rho - middle) - np.log(less) + a * np.log1p(-1 / a) > log_delta
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        assert epsilon_of(np.array([rho]), delta)[0] == pytest.approx(high.min(), rel=1e-6)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-6), (1.0, 1e-5), (8.0, 1e-3), (1e-6, 0.3)])
def test_rho_is_the_largest_that_keeps_epsilon_and_is_safe(epsilon, delta):
    rho = rho_of(epsilon, delta)
    assert epsilon_of(np.array([rho]), delta)[0] <= epsilon
    assert epsilon_of(np.array([rho * 1.001]), delta)[0] > epsilon
    mu = np.sqrt(2 * rho)  # exactly, a Gaussian of that ρ: Balle and Wang 2018, theorem 8
    exact = norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
    assert exact <= delta


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_the_discrete_gaussian_keeps_its_epsilon_exactly(epsilon):
    """One vote moves two counts by one each: privacy loss distributions of both, composed."""
    pld = pytest.importorskip("dp_accounting.pld.privacy_loss_distribution")
    sigma = float(np.sqrt(1 / rho_of(epsilon, 1e-5)))
    one = pld.from_discrete_gaussian_mechanism(sigma, sensitivity=1)
    exact = one.compose(one).get_epsilon_for_delta(1e-5)
    assert 0.8 * epsilon < exact <= epsilon


VOTES = np.array([[3, 0, 0], [0, 1, 1], [1, 0, 0]])
CLIENT = np.array([0, 0, 1])
PEOPLE = Annotations(np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 2, 1, 3, 2]), np.array([0, 0, 0, 1, 2, 0]))
"""Person 1 gave three answers, two of them to one image; 2 gave two; 3 gave one."""


@pytest.mark.parametrize(
    ("unit", "l1", "squares"),
    [
        ("vote", [1, 1, 1], [1, 1, 1]),
        ("image", [3, 2, 1], [9, 4, 1]),
        ("client", [5, 5, 1], [13, 13, 1]),
        ("annotator", [3, 3, 2], [5, 5, 2]),
    ],
)
def test_noise_covers_what_a_unit_moves(unit, l1, squares):
    given = Answers(VOTES, CLIENT, PEOPLE)
    np.testing.assert_array_equal(given.reach(unit, 1), l1)
    np.testing.assert_array_equal(given.reach(unit, 2), squares)
    part = given.subset(np.array([2, 1]))  # told by itself, it still has its share alone
    np.testing.assert_array_equal(part.reach(unit, 2), np.array(squares)[[2, 1]])
    spent = Laplace(epsilon=1.5, unit=unit).spent(given)
    assert spent[f"epsilon_per_{unit}_max"] == pytest.approx(1.5)
    at = {"epsilon": 1.5, "delta": 1e-4, "unit": unit}
    spent = DiscreteGaussian(**at).spent(given)
    assert spent[f"epsilon_per_{unit}_max"] == pytest.approx(1.5, rel=1e-6)
    assert spent["delta"] == 1e-4


def test_laplace_spends_by_unit():
    spent = Laplace(epsilon=0.5).spent(Answers(VOTES, CLIENT, PEOPLE))
    most = {name.split("_")[2]: value for name, value in spent.items() if name.endswith("max")}
    assert most == pytest.approx({"vote": 0.5, "image": 1.5, "annotator": 1.5, "client": 2.5})
    assert spent["epsilon_per_annotator_mean"] == pytest.approx(0.5 * (3 + 2 + 1) / 3)
    assert "epsilon_per_annotator_max" not in Laplace(epsilon=0.5).spent(Answers(VOTES, CLIENT))
    shared = Laplace(epsilon=3.0, unit="annotator").spent(Answers(VOTES, CLIENT, PEOPLE))
    assert shared["epsilon_per_annotator_max"] == pytest.approx(3)  # person 1: three answers of 3/3 each
    assert shared["epsilon_per_annotator_mean"] == pytest.approx((3 + (1 + 1.5) + 1) / 3)


def test_gaussian_spends_by_the_root_of_what_a_unit_gave():
    spent = DiscreteGaussian(epsilon=1, delta=1e-5).spent(Answers(VOTES, CLIENT, PEOPLE))
    rho = rho_of(1, 1e-5)
    for unit, squares in (("image", 9), ("annotator", 5), ("client", 13)):
        expected = epsilon_of(np.array([squares * rho]), 1e-5)[0]
        assert spent[f"epsilon_per_{unit}_max"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "make", [lambda e: Laplace(epsilon=e), lambda e: DiscreteGaussian(epsilon=e, delta=1e-3)]
)
def test_softening_leaves_the_likeliest_class_as_much_as_the_projection_does(make):
    draws, top = 50_000, 5 / 8
    found = []
    for epsilon in (0.05, 1.0, 5.0, 500.0):
        gamma = make(epsilon).softening(tiled(500))
        assert (gamma == gamma[0]).all()
        private = project_to_simplex(make(epsilon).release(tiled(draws), stream("another")))
        assert (1 - gamma[0]) * top + gamma[0] / 4 == pytest.approx(private[:, 0].mean(), abs=0.02)
        found.append(gamma[0])
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.85
    assert found[-1] == pytest.approx(0, abs=1e-12)
