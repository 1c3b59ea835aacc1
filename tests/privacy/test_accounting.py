"""What noise spends, against published values, exact formulas and another package."""

import math
import sys

import numpy as np
import pytest
from opacus.accountants.analysis import rdp as opacus
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import norm

from fedsoft.privacy.accounting import (
    AccountingError,
    Releases,
    epsilon_of,
    few,
    solve_noise,
    worst,
)
from fedsoft.privacy.models import DpFedAvg, DpSgd, Exposure

ORDERS = [1 + x / 10 for x in range(1, 100)] + list(range(11, 64)) + [128, 256, 512]
MNIST = Releases("poisson", "add_or_remove", 250, 60_000, 15 * 240)


def everybody(count, relation="add_or_remove"):
    return Releases("all", relation, 10, 10, count)


def exact(noise, delta):
    """ε of one Gaussian release: Balle & Wang 2018, arXiv:1805.06530, theorem 8."""

    def excess(epsilon):
        a, b = 1 / (2 * noise), epsilon * noise
        return norm.cdf(a - b) - math.exp(epsilon) * norm.cdf(-a - b) - delta

    return brentq(excess, 0, 200)


def test_one_gaussian_by_rdp_is_what_flower_says():
    assert epsilon_of(everybody(1), 1.0, 1e-5, "rdp") == pytest.approx(4.73, abs=0.005)


@pytest.mark.parametrize("noise", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("count", [1, 20])
def test_gaussians_by_loss_distribution_are_exact(noise, count):
    """Of ``count`` releases too: together they are one of noise / √count."""
    spent, wanted = epsilon_of(everybody(count), noise, 1e-5, "pld"), exact(noise / count**0.5, 1e-5)
    assert wanted <= spent <= wanted + 2e-3
    assert wanted < epsilon_of(everybody(count), noise, 1e-5, "rdp") < 1.25 * wanted + 0.2


def test_a_unit_that_is_another_moves_the_sum_twice_as_far():
    """dp-accounting's multiplier is relative to the sensitivity, which is 2 C there."""
    there, another = (everybody(5, relation) for relation in ("add_or_remove", "replace_one"))
    for accountant in ("rdp", "pld"):
        assert epsilon_of(another, 4.0, 1e-5, accountant) == epsilon_of(there, 2.0, 1e-5, accountant)


def test_the_tutorial_on_mnist():
    """TensorFlow Privacy's: batch 250 of 60,000, noise 1.3, 15 epochs, δ = 1e-5 give ε = 1.18 by the first
    conversion from RDP; its later ones, and loss distributions, give less."""
    curve = opacus.compute_rdp(q=250 / 60_000, noise_multiplier=1.3, steps=3600, orders=ORDERS)
    first = min(curve + math.log(1e5) / (np.array(ORDERS) - 1))
    assert first == pytest.approx(1.18, abs=0.01)
    theirs = opacus.get_privacy_spent(orders=ORDERS, rdp=curve, delta=1e-5)[0]
    ours = epsilon_of(MNIST, 1.3, 1e-5, "rdp")
    assert ours == pytest.approx(theirs, rel=2e-3)
    assert 0.8 < epsilon_of(MNIST, 1.3, 1e-5, "pld") < ours < first


@pytest.mark.parametrize(("size", "noise", "steps"), [(10, 1.0, 100), (100, 2.0, 30), (500, 0.8, 10)])
def test_poisson_sampling_is_opacus(size, noise, steps):
    releases = Releases("poisson", "add_or_remove", size, 1000, steps)
    curve = opacus.compute_rdp(q=size / 1000, noise_multiplier=noise, steps=steps, orders=ORDERS)
    theirs = opacus.get_privacy_spent(orders=ORDERS, rdp=curve, delta=1e-5)[0]
    assert epsilon_of(releases, noise, 1e-5, "rdp") == pytest.approx(theirs, rel=5e-3)
    assert epsilon_of(releases, noise, 1e-5, "pld") < theirs


def test_a_sample_of_everybody_is_no_sample():
    for accountant in ("rdp", "pld"):
        sampled = Releases("poisson", "add_or_remove", 10, 10, 3)
        assert epsilon_of(sampled, 1.0, 1e-5, accountant) == epsilon_of(everybody(3), 1.0, 1e-5, accountant)


def divergence_of_samples(rate, noise, order):
    """A lower bound on Rényi divergence: a sum of one row in [-1, 1] whose owner's row goes from 1 to -1."""
    x = np.linspace(-60, 60, 20_001)
    before, after = (
        np.logaddexp(
            math.log(1 - rate) + norm.logpdf(x, 0, noise), math.log(rate) + norm.logpdf(x, own, noise)
        )
        for own in (1, -1)
    )
    return logsumexp(order * before + (1 - order) * after, b=x[1] - x[0]) / (order - 1)


def test_samples_without_replacement_spend_between_theirs_and_everybodys():
    from dp_accounting.rdp import compute_epsilon

    orders = np.arange(2, 40)
    for rate, noise in ((0.1, 2.0), (0.3, 3.0)):
        releases = Releases("without_replacement", "replace_one", 1000 * rate, 1000, 10)
        spent = epsilon_of(releases, noise, 1e-5, "rdp")
        least = [10 * divergence_of_samples(rate, noise, order) for order in orders]
        assert compute_epsilon(orders, least, 1e-5)[0] < spent
        assert spent <= epsilon_of(everybody(10, "replace_one"), noise, 1e-5, "rdp")
    small = Releases("without_replacement", "replace_one", 1, 1000, 10)
    assert epsilon_of(small, 2.0, 1e-5, "rdp") < 0.2 * epsilon_of(
        everybody(10, "replace_one"), 2.0, 1e-5, "rdp"
    )


def test_more_noise_fewer_releases_smaller_samples_and_larger_deltas_spend_less():
    usual = Releases("poisson", "add_or_remove", 10, 100, 50)
    spent = epsilon_of(usual, 1.0, 1e-5, "pld")
    assert epsilon_of(usual, 1.2, 1e-5, "pld") < spent
    assert epsilon_of(usual, 1.0, 1e-4, "pld") < spent
    assert epsilon_of(Releases("poisson", "add_or_remove", 10, 100, 40), 1.0, 1e-5, "pld") < spent
    assert epsilon_of(Releases("poisson", "add_or_remove", 9, 100, 50), 1.0, 1e-5, "pld") < spent
    assert epsilon_of(Releases("poisson", "add_or_remove", 9, 100, 0), 1.0, 1e-5, "pld") == 0


def uneven(poisson=True, **options):
    sizes = np.array([40, 400, 90, 0, 90])
    exposure = Exposure(sizes, np.array([3, 10, 8, 0, 8]), 10, 0.5, "fixed", 32, 1)
    sampling = "poisson" if poisson else "without_replacement"
    return DpSgd(noise=1.0, sampling=sampling, **options).releases(exposure)


@pytest.mark.parametrize(("poisson", "accountant"), [(True, "pld"), (False, "rdp")])
@pytest.mark.parametrize("epsilon", [0.5, 4.0])
def test_noise_is_solved_for_whoever_spends_most(poisson, accountant, epsilon):
    kinds = uneven(poisson)
    noise = solve_noise(epsilon, kinds, 1e-4, accountant)
    spent = [epsilon_of(one, noise, 1e-4, accountant) for one in kinds]
    assert max(spent) <= epsilon
    assert max(epsilon_of(one, 0.995 * noise, 1e-4, accountant) for one in kinds) > epsilon
    assert min(spent) < 0.9 * epsilon


def test_what_cannot_be_reached_is_told():
    with pytest.raises(AccountingError, match="no noise keeps 1000000000000 releases within ε = 1e-06"):
        solve_noise(1e-6, {everybody(10**12): 1}, 1e-5, "rdp")


def test_steps_of_clients():
    """An example of n is in a step with probability 32 / n, in each of ⌈n / 32⌉ steps a round."""
    kinds = uneven()
    assert kinds == {
        Releases("poisson", "add_or_remove", 32, 40, 3 * 2): 1,
        Releases("poisson", "add_or_remove", 32, 400, 10 * 13): 1,
        Releases("poisson", "add_or_remove", 32, 90, 8 * 3): 2,
    }
    few_examples = Exposure(np.array([20]), np.array([4]), 4, 1.0, "fixed", 32, 2)
    assert DpSgd(noise=1.0).releases(few_examples) == {Releases("all", "add_or_remove", 20, 20, 8): 1}
    assert worst(kinds).population == 40


def test_cohorts():
    def kinds(rate, sampling):
        return DpFedAvg(noise=1.0).releases(Exposure(np.ones(20), np.ones(20), 7, rate, sampling, 32, 1))

    assert kinds(1.0, "fixed") == {everybody(7).__class__("all", "add_or_remove", 20, 20, 7): 20}
    assert kinds(0.25, "fixed") == {Releases("without_replacement", "replace_one", 5, 20, 7): 20}
    assert kinds(0.23, "poisson") == {Releases("poisson", "add_or_remove", 0.23 * 20, 20, 7): 20}


def test_many_kinds_are_rounded_up_to_a_few():
    sizes = np.arange(33, 1033)
    exposure = Exposure(sizes, np.full(1000, 3), 3, 1.0, "fixed", 32, 1)
    kinds = DpSgd(noise=1.0).releases(exposure)
    some = few(kinds)
    assert len(some) <= 24 < len(kinds)
    assert sum(some.values()) == 1000
    for one in kinds:
        assert any(one.rate <= cover.rate and one.count <= cover.count for cover in some)
    assert few(uneven()) == uneven()


def test_an_accountant_that_does_not_fit_is_told():
    fixed = Releases("without_replacement", "replace_one", 5, 10, 3)
    with pytest.raises(
        AccountingError, match=r'"pld" counts Poisson .* set scenario\.sampling = "poisson", or'
    ):
        fixed.check("pld", 'scenario.sampling = "poisson"')
    for releases in (everybody(1), MNIST):
        releases.check("pld", "")
        releases.check("rdp", "")
    fixed.check("rdp", "")


def test_a_package_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(AccountingError, match=r"not installed; run: pip install 'fedsoft\[privacy\]'"):
        epsilon_of(everybody(1234), 1.0, 1e-5, "rdp")
