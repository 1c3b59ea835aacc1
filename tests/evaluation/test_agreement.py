import math

import pytest
import torch
from scipy.stats import entropy as scipy_entropy
from scipy.stats import spearmanr

from fedsoft.evaluation import METRICS, entropy


def value(name, probs, reference):
    return float(METRICS.parse(name)(probs, reference))


def test_by_hand():
    probs = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    people = torch.tensor([[0.75, 0.25]], dtype=torch.float64)
    assert value("total_variation", probs, people) == pytest.approx(0.25)
    assert value("kl", probs, people) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    surer = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert value("entropy_error", probs, people) == pytest.approx(math.log(2) - surer)


def test_agrees_with_scipy(crowd):
    probs, truth, _ = crowd()
    p, h = probs.numpy(), truth["vote"].numpy()
    assert value("kl", probs, truth["vote"]) == pytest.approx(scipy_entropy(h, p, axis=1).mean())
    difference = scipy_entropy(p, axis=1) - scipy_entropy(h, axis=1)
    assert value("entropy_error", probs, truth["vote"]) == pytest.approx(difference.mean())
    # rounding: sums in another order, as of (6, 2, 1, 1) and (4, 3, 3, 0) votes, must tie
    correlation = spearmanr(scipy_entropy(p, axis=1), scipy_entropy(h, axis=1).round(9)).statistic
    assert value("entropy_correlation", probs, truth["vote"]) == pytest.approx(correlation)


def test_kl_is_cross_entropy_less_the_peoples_entropy(crowd):
    probs, truth, _ = crowd()
    rest = value("nll", probs, truth["vote"]) - float(entropy(truth["vote"]).mean())
    assert value("kl", probs, truth["vote"]) == pytest.approx(rest)


def test_correlation_sees_order_only():
    people = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.8, 0.2], [0.5, 0.5]], dtype=torch.float64)
    flatter = people**0.3 / (people**0.3).sum(-1, keepdim=True)
    assert value("entropy_correlation", flatter, people) == pytest.approx(1)
    assert value("entropy_correlation", flatter.flip(0), people) == pytest.approx(-1)


def test_correlation_is_undefined_when_all_are_unanimous():
    people = torch.tensor([[1.0, 0.0]] * 4)
    assert math.isnan(value("entropy_correlation", people.flip(-1) * 0.9 + 0.05, people))
