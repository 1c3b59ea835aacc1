import numpy as np
import pytest
import torch

from fedsoft.evaluation import churn, prediction_variance


def test_churn_by_hand():
    # classes 0 0 1 / 0 1 1 / 1 1 1: pairs differ on 1, 2 and 1 of 3 images
    classes = torch.tensor([[0, 0, 1], [0, 1, 1], [1, 1, 1]])
    probs = torch.nn.functional.one_hot(classes, 2).double()
    assert float(churn(probs)) == pytest.approx((1 / 3 + 2 / 3 + 1 / 3) / 3)


def test_variance_by_hand():
    # (0.5, 0.5) and (0.9, 0.1): each class has variance 2 * 0.2² / 1; the second image has none
    probs = torch.tensor([[[0.5, 0.5], [0.3, 0.7]], [[0.9, 0.1], [0.3, 0.7]]])
    assert float(prediction_variance(probs)) == pytest.approx(2 * 0.08 / 2)


def test_leading_dimensions_are_batched(rng):
    probs = torch.from_numpy(rng.dirichlet([1, 1, 1], size=(4, 2, 50)))
    for metric in (churn, prediction_variance):
        np.testing.assert_allclose(metric(probs), [float(metric(probs[:, j])) for j in range(2)])
    expected = probs.numpy().var(axis=0, ddof=1).sum(-1).mean(-1)
    np.testing.assert_allclose(prediction_variance(probs), expected)


def test_one_seed_says_nothing():
    probs = torch.full((1, 5, 2), 0.5)
    assert churn(probs).isnan()
    assert prediction_variance(probs).isnan()
