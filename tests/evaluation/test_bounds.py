import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from fedsoft.annotators import split_half
from fedsoft.annotators.prior import fit_prior, posterior_draw, tally
from fedsoft.datasets import DATASETS
from fedsoft.evaluation import (
    METRICS,
    agreement_ceiling,
    agreement_floor,
    class_means,
    entropy,
    entropy_error_at_equal_votes,
    onehot,
    shuffled_correlation,
    soft_labels,
    split_half_ceiling,
)


@pytest.fixture
def cifar10h(data_folder):
    if reason := DATASETS.parse("cifar10h").missing():
        pytest.skip(reason)
    return DATASETS.parse("cifar10h").load()


def test_class_means_by_hand():
    votes, labels = torch.tensor([[4, 0, 0], [2, 2, 0], [0, 3, 0]]), torch.tensor([0, 0, 1])
    # one even image beside those of the label: (1 + 1/2 + 1/3, 1/2 + 1/3, 1/3) / 3; (1/3, 1 + 1/3, 1/3) / 2
    expected = [[11 / 18, 5 / 18, 2 / 18], [1 / 6, 4 / 6, 1 / 6], [1 / 3] * 3]
    torch.testing.assert_close(class_means(votes, labels), torch.tensor(expected, dtype=torch.float64))


def test_class_means_are_the_best_prediction_by_label(rng):
    labels = torch.as_tensor(rng.integers(3, size=3000))
    shares = rng.dirichlet([0.6, 0.3, 0.2], size=3000)
    votes = torch.as_tensor(rng.multinomial(20, shares))
    means, people = class_means(votes, labels), soft_labels(votes)
    best = agreement_floor(means[labels], people)["kl"]
    for shift in ([0.03, -0.03, 0], [0, 0.03, -0.03], [-0.03, 0, 0.03]):
        assert agreement_floor((means + torch.tensor(shift))[labels], people)["kl"] > best


def test_a_class_that_nobody_chose_in_training_costs_a_finite_divergence():
    means = class_means(torch.tensor([[9, 0]] * 99), torch.zeros(99))
    floor = agreement_floor(means[[0]], torch.tensor([[0.5, 0.5]]))["kl"]
    assert floor == pytest.approx(0.5 * math.log(0.5 / (99.5 / 100)) + 0.5 * math.log(0.5 / (0.5 / 100)))


def test_shuffling_leaves_what_is_known_of_classes(rng):
    N = 4000
    labels = torch.as_tensor(rng.integers(2, size=N))
    level = torch.where(labels == 0, 0.1, 0.3) + torch.as_tensor(rng.random(N)) * 0.2
    people = torch.stack([1 - level, level], dim=-1)
    # a perfect model, one that knows nothing of classes, and one that knows nothing at all
    blind = people[torch.as_tensor(rng.permutation(N))]
    found = shuffled_correlation(torch.stack([people, blind]), labels, people, rng)
    by_hand = []
    for _ in range(20):
        values = entropy(people).numpy().copy()
        for label in (0, 1):
            rows = np.flatnonzero(labels.numpy() == label)
            values[rows] = values[rng.permutation(rows)]
        by_hand.append(spearmanr(values, entropy(people).numpy()).statistic)
    assert 0.6 < np.mean(by_hand) < 0.9
    np.testing.assert_allclose(found, [np.mean(by_hand), 0], atol=0.04)


def test_the_ceiling_falls_away_with_many_votes(rng):
    truth = torch.as_tensor(rng.dirichlet([2, 1, 0.5], size=2000))
    few, many = (agreement_ceiling(truth, torch.full((2000,), n), rng) for n in (5, 20_000))
    assert few["total_variation"] > 0.1 > 0.01 > many["total_variation"]
    assert few["kl"] > 0.1 > 0.001 > many["kl"]
    # the bias of the plug-in entropy is about (C - 1) / 2n
    assert few["entropy_error"] == pytest.approx(2 / 10, rel=0.3)
    assert few["entropy_correlation"] < 0.8 < 0.99 < many["entropy_correlation"]


@pytest.mark.parametrize("votes", [6, 50])
def test_ceilings_are_found_from_votes_alone(votes, rng):
    """Draws from the posterior give the ceiling in a world whose truth is not a Dirichlet's."""
    share = torch.as_tensor(rng.choice([0.0, 0.02, 0.1, 0.3], p=[0.4, 0.3, 0.2, 0.1], size=5000))
    truth = torch.stack([1 - share, share * 0.8, share * 0.2], dim=-1)
    counts = torch.full((5000,), votes)
    seen, labels = rng.multinomial(votes, truth.numpy()), np.zeros(5000, dtype=int)
    alpha = fit_prior(tally(seen, labels, votes))
    guess = torch.as_tensor(posterior_draw(seen, alpha[labels], rng))
    shares = torch.as_tensor(seen / votes)
    true, found, naive = (agreement_ceiling(rows, counts, rng) for rows in (truth, guess, shares))
    for name in ("kl", "total_variation", "entropy_error"):
        assert found[name] == pytest.approx(true[name], rel=0.25), name
    off = {
        n: abs(c["entropy_correlation"] - true["entropy_correlation"])
        for n, c in (("posterior", found), ("shares", naive))
    }
    assert off["posterior"] < 0.1
    assert off["posterior"] < off["shares"]


def test_split_halves_by_hand(rng):
    truth = rng.dirichlet([2, 1, 0.5], size=3000)
    first, second = (torch.as_tensor(rng.multinomial(20, truth)) for _ in range(2))
    r = spearmanr(*(entropy(soft_labels(votes)).numpy() for votes in (first, second))).statistic
    assert split_half_ceiling(first, second) == pytest.approx((2 * r / (1 + r)) ** 0.5)
    # about what the truth itself reaches against all the votes
    people = soft_labels(first + second)
    reached = float(METRICS.parse("entropy_correlation")(torch.as_tensor(truth), people))
    assert split_half_ceiling(first, second) == pytest.approx(reached, abs=0.02)
    assert math.isnan(split_half_ceiling(first, first[torch.as_tensor(rng.permutation(3000))] * 0 + 1))


@pytest.mark.parametrize("votes", [2, 8])
def test_a_perfect_model_has_no_entropy_error_at_equal_votes(votes, rng):
    truth = torch.as_tensor(rng.dirichlet([1, 0.5, 0.2], size=20_000))
    people = torch.as_tensor(rng.multinomial(votes, truth.numpy()))
    softer = 0.7 * truth + 0.1
    found = entropy_error_at_equal_votes(torch.stack([truth, softer]), people, rng)
    raw = METRICS.parse("entropy_error")(truth, soft_labels(people))
    assert float(raw) > 0.08
    assert abs(float(found[0])) < 0.01
    assert float(found[1]) > 0.05


def test_one_vote_shows_no_entropy(rng):
    votes = onehot(torch.as_tensor(rng.integers(3, size=50)), 3).long()
    assert float(entropy_error_at_equal_votes(torch.full((50, 3), 1 / 3), votes, rng)) == 0


def test_cifar10h_split_halves(cifar10h, rng):
    first, second = map(torch.as_tensor, split_half(cifar10h.votes, rng))
    r = float(METRICS.parse("entropy_correlation")(soft_labels(first), soft_labels(second)))
    assert r == pytest.approx(0.53, abs=0.02)
    assert split_half_ceiling(first, second) == pytest.approx(0.84, abs=0.02)


def test_cifar10h_perfect_model(cifar10h, rng):
    votes = torch.as_tensor(cifar10h.votes)
    truth, counts = soft_labels(votes), votes.sum(-1)
    found = agreement_ceiling(truth, counts, rng)
    assert found["total_variation"] == pytest.approx(0.016, abs=0.001)
    assert found["entropy_error"] == pytest.approx(0.010, abs=0.002)
    # vote shares of 51 votes spread more than the truth: an upper figure
    assert 0.83 < found["entropy_correlation"] < 0.91
    again = soft_labels(torch.as_tensor(rng.multinomial(counts.numpy(), truth.numpy())))
    assert float((entropy(truth) - entropy(again)).abs().mean()) == pytest.approx(0.043, abs=0.001)
