import itertools

import numpy as np
import pytest
import torch

from fedsoft.evaluation import churned, pair_variance


def test_churn_by_hand():
    first = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    second = torch.tensor([[0.6, 0.4], [0.7, 0.3], [0.1, 0.9]])
    assert churned(first, second).tolist() == [0, 1, 0]


def test_variance_by_hand():
    # (0.5, 0.5) and (0.9, 0.1): each class has variance 2 * 0.2² / 1; the second image has none
    first, second = torch.tensor([[[0.5, 0.5], [0.3, 0.7]], [[0.9, 0.1], [0.3, 0.7]]])
    assert pair_variance(first, second).tolist() == pytest.approx([2 * 0.08, 0])


def test_the_mean_over_pairs_is_the_variance_over_models(rng):
    probs = torch.from_numpy(rng.dirichlet([1, 1, 1], size=(4, 2, 50)))
    pairs = [pair_variance(a, b) for a, b in itertools.combinations(probs, 2)]
    np.testing.assert_allclose(torch.stack(pairs).mean(0), probs.numpy().var(axis=0, ddof=1).sum(-1))
