import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from fedsoft.evaluation import METRICS, onehot


def value(name, confidence, hit):
    confidence, hit = torch.tensor(confidence, dtype=torch.float64), torch.tensor(hit)
    probs = torch.stack([confidence, 1 - confidence], dim=-1)
    return float(METRICS.parse(name)(probs, onehot(1 - hit, 2)))


def test_aurc_by_hand():
    # most confident first: right, wrong, right: errors 0, 1/2, 1/3
    assert value("aurc", [0.9, 0.8, 0.7], [1, 0, 1]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_aurc_of_ties_is_the_mean_over_their_orders():
    hits = [1, 0, 0, 1]
    orders = [np.cumsum(1 - np.array(order)) / np.arange(1, 5) for order in itertools.permutations(hits)]
    assert value("aurc", [0.8] * 4, hits) == pytest.approx(np.mean(orders))


def test_auroc_agrees_with_scikit_learn(rng):
    confidence, hit = rng.choice([0.6, 0.7, 0.8, 0.9], size=200), rng.integers(2, size=200)
    assert value("auroc", confidence, hit) == pytest.approx(roc_auc_score(hit, confidence))


def test_auroc_by_hand():
    assert value("auroc", [0.9, 0.8, 0.7], [1, 1, 0]) == 1
    assert value("auroc", [0.9, 0.7, 0.8], [0, 1, 0]) == 0
    assert value("auroc", [0.8, 0.8], [0, 1]) == 0.5
