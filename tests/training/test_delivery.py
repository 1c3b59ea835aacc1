"""Hard labels made of soft ones: exact moments, and every vote equally often."""

import numpy as np
import pytest
import torch
from scipy import stats

from fedsoft.streams import stream
from fedsoft.training import LOSSES, Multipass, Stochastic

P = np.array([0.5, 0.3, 0.2, 0.0])
N = 1000
VOTES = np.array([[3, 0, 2], [0, 0, 0], [0, 1, 0], [1, 1, 1], [4, 7, 0]])
VOTED = np.array([0, 2, 3, 4])


class Even:
    """In place of a generator: its uniform numbers are evenly spaced, so that shares are exact."""

    def random(self, size):
        return (np.arange(size) + 0.5) / size


def test_gradients_have_the_exact_moments():
    """Expectation q - p, as of the soft label itself; covariance Diag(p) - p pᵀ, of trace 1 - |p|²."""
    classes = Stochastic(np.tile(P, (N, 1))).classes(np.arange(N), 0, Even())
    logits = torch.tensor([0.3, -1.0, 2.0, 0.1], dtype=torch.float64)
    loss, one = LOSSES.parse("cross_entropy"), torch.ones(N, 1, dtype=torch.float64)
    targets = torch.eye(4, dtype=torch.float64)[torch.from_numpy(classes)].unsqueeze(1)
    gradients, values = loss.gradient(logits.expand(N, 1, 4), targets, one)
    whole, value = loss.gradient(logits.expand(1, 1, 4), torch.from_numpy(P).expand(1, 1, 4), one[:1])
    np.testing.assert_allclose(gradients.mean((0, 1)), logits.softmax(-1) - torch.from_numpy(P), atol=1e-12)
    np.testing.assert_allclose(gradients.mean((0, 1)), whole[0, 0], atol=1e-12)
    assert float(values.mean()) == pytest.approx(float(value), abs=1e-12)
    covariance = np.cov(gradients[:, 0].T, bias=True)
    np.testing.assert_allclose(covariance, np.diag(P) - np.outer(P, P), atol=1e-12)
    assert np.trace(covariance) == pytest.approx(1 - P @ P)


def test_draws_follow_the_soft_label():
    soft = np.tile(P, (20_000, 1))
    counts = np.bincount(Stochastic(soft).classes(np.arange(20_000), 0, stream("draws")), minlength=4)
    assert counts[3] == 0
    assert stats.chisquare(counts[:3], 20_000 * P[:3]).pvalue > 0.001


@pytest.mark.parametrize("u", [0.0, np.nextafter(1, 0)])
def test_a_class_without_mass_is_never_drawn(u):
    soft = np.array([[0.0, 0.1, 0.7, 0.2 - 1e-9, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]])

    class Extreme:
        def random(self, size):
            return np.full(size, u)

    for row, c in enumerate(Stochastic(soft).classes(np.arange(2), 0, Extreme())):
        assert soft[row, c] > 0


def test_each_row_is_drawn_from_its_own_soft_label():
    drawn = Stochastic(np.eye(3)).classes(np.array([2, 0, 0, 1]), 5, stream("draws"))
    np.testing.assert_array_equal(drawn, [2, 0, 0, 1])


def test_multipass_uses_every_vote_equally_often():
    rule, epochs = Multipass.shuffled(VOTES, stream("order")), int(np.lcm.reduce([5, 1, 3, 11]))
    seen = np.zeros((len(VOTED), 3), dtype=int)
    for epoch in range(epochs):
        seen[np.arange(len(VOTED)), rule.classes(VOTED, epoch, stream("unused"))] += 1
    np.testing.assert_array_equal(seen, epochs * VOTES[VOTED] // VOTES[VOTED].sum(1, keepdims=True))


def test_a_pass_is_the_votes_and_the_next_pass_is_the_same():
    rule = Multipass.shuffled(VOTES, stream("order"))
    passes = [
        [int(rule.classes(np.array([4]), epoch, stream("unused"))[0]) for epoch in range(start, start + 11)]
        for start in (0, 11, 22)
    ]
    assert sorted(passes[0]) == [0] * 4 + [1] * 7
    assert passes[0] == passes[1] == passes[2]


def test_the_order_of_votes_is_random_once():
    many = np.tile([2, 2], (6_000, 1))
    first, again, other = (Multipass.shuffled(many, stream("order", seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.votes, again.votes)
    assert (first.votes != other.votes).any()
    orders = np.unique(first.votes.reshape(-1, 4), axis=0, return_counts=True)[1]
    assert len(orders) == 6  # of four votes, two and two
    assert stats.chisquare(orders).pvalue > 0.001
