"""What holds for every registered metric."""

import math

import numpy as np
import pytest
import torch

from fedsoft.errors import DataError
from fedsoft.evaluation import METRICS, Metric

ALL = [METRICS.parse(name) for name in METRICS.names()]
each = pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
DEVICE = "cuda" if torch.cuda.is_available() else "meta"


def references(metric: Metric) -> tuple[str, ...]:
    return metric.against or ("label",)


@each
def test_states_what_is_better_and_against_whom(metric):
    assert metric.better in ("lower", "higher", "zero", "neither")
    assert set(metric.against) <= {"label", "mode", "vote"}


@each
def test_options_round_trip(metric):
    assert METRICS.parse(metric.dump()) == metric


@each
def test_order_of_examples_does_not_matter(metric, crowd, rng):
    probs, truth, _ = crowd(N=400)
    probs = (probs * 5).round() + 0.1  # many ties
    probs = probs / probs.sum(dim=-1, keepdim=True)
    shuffle = torch.as_tensor(rng.permutation(400))
    for name in references(metric):
        there, back = metric(probs, truth[name]), metric(probs[shuffle], truth[name][shuffle])
        torch.testing.assert_close(there, back, rtol=1e-9, atol=1e-9)


@each
def test_leading_dimensions_are_separate_models(metric, crowd):
    probs, truth, _ = crowd(lead=(2, 3))
    for name in references(metric):
        together = metric(probs, truth[name])
        one_by_one = [[metric(probs[a, b], truth[name]) for b in range(3)] for a in range(2)]
        torch.testing.assert_close(together, torch.tensor(one_by_one, dtype=torch.float64))
        own = metric(probs, torch.stack([truth[name], truth[name].flip(0)]).unsqueeze(1))
        torch.testing.assert_close(own[1, 2], metric(probs[1, 2], truth[name].flip(0)))


@each
def test_no_examples_give_nan(metric):
    value = metric(torch.zeros(2, 0, 3), torch.zeros(0, 3))
    assert value.shape == (2,)
    assert value.isnan().all()


@each
def test_one_example_is_enough_or_nan(metric):
    value = metric(torch.tensor([[0.7, 0.3]]), torch.tensor([[1.0, 0.0]]))
    assert math.isfinite(value) or metric.name in ("auroc", "entropy_correlation")


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stays_on_the_device_and_dtype_of_its_inputs(metric, dtype):
    probs = torch.full((2, 8, 3), 1 / 3, dtype=dtype, device=DEVICE)
    value = metric(probs, torch.full((8, 3), 1 / 3, dtype=dtype, device=DEVICE))
    assert (value.device.type, value.dtype, value.shape) == (DEVICE, dtype, (2,))


@each
def test_bounds_at_extremes(metric):
    """Sure and right everywhere: the best value that a metric can take, or NaN where nothing varies."""
    sure = torch.eye(3, dtype=torch.float64).repeat(4, 1)
    best = {"accuracy": 1, "brier_resolution": 2 / 3, "brier_uncertainty": 2 / 3, "confidence": 1}
    value = float(metric(sure, sure))
    if metric.name in ("auroc", "entropy_correlation"):
        assert math.isnan(value)
    else:
        assert value == pytest.approx(best.get(metric.name, 0), abs=1e-9)


def test_refuses_labels_in_place_of_rows():
    with pytest.raises(DataError, match="one row of class probabilities"):
        ALL[0](torch.ones(3, 3) / 3, torch.tensor([0, 1, 2]))


def test_known_names():
    expected = {"accuracy", "nll", "brier", "signed_gap", "ece", "ece_mass", "mce", "kl", "aurc", "auroc"}
    assert expected <= set(METRICS.names())
    assert np.unique(METRICS.names()).size == len(METRICS.names())
