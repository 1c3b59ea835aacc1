import math

import pytest
import torch
from torchmetrics.functional.classification import multiclass_accuracy

from fedsoft.evaluation import METRICS, onehot
from fedsoft.evaluation.predictions import Predictions, Reference
from fedsoft.evaluation.quality import brier_decomposition


def value(name, probs, reference, **options):
    return METRICS.parse({"name": name, **options})(probs, reference)


def test_by_hand():
    probs = torch.tensor([[0.8, 0.2], [0.4, 0.6]], dtype=torch.float64)
    labels = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    assert value("accuracy", probs, labels) == 0.5
    assert value("nll", probs, labels) == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2)
    assert value("brier", probs, labels) == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2)
    assert value("confidence", probs, labels) == pytest.approx(0.7)


def test_accuracy_agrees_with_torchmetrics(crowd):
    probs, truth, _ = crowd()
    other = multiclass_accuracy(probs, truth["label"].argmax(-1), num_classes=4, average="micro")
    assert float(value("accuracy", probs, truth["label"])) == pytest.approx(float(other))


@pytest.mark.parametrize("name", ["accuracy", "nll", "brier", "signed_gap"])
def test_against_votes_is_the_mean_over_single_votes(name, crowd):
    probs, truth, votes = crowd(N=40)
    example, chosen = votes.nonzero(as_tuple=True)
    times = votes[example, chosen]
    example, chosen = example.repeat_interleave(times), chosen.repeat_interleave(times)
    single = value(name, probs[example], onehot(chosen, 4))
    assert float(value(name, probs, truth["vote"])) == pytest.approx(float(single))


def test_a_sure_error_costs_the_clamped_logarithm():
    sure, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert float(value("nll", sure, wrong)) == pytest.approx(12 * math.log(10))


@pytest.mark.parametrize("reference", ["label", "vote"])
def test_decomposition_adds_up_where_bins_hold_one_forecast(reference, crowd, rng):
    _, truth, _ = crowd(N=500, C=3)
    forecasts = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]], dtype=torch.float64)
    probs = forecasts[torch.as_tensor(rng.integers(3, size=500))]
    terms = brier_decomposition(Predictions(probs), Reference(truth[reference]), bins=40)
    reliability, resolution, uncertainty = terms
    brier = value("brier", probs, truth[reference])
    torch.testing.assert_close(reliability - resolution + uncertainty, brier)
    assert value("brier_reliability", probs, truth[reference], bins=40) == reliability
    assert value("brier_resolution", probs, truth[reference], bins=40) == resolution
    torch.testing.assert_close(value("brier_uncertainty", probs, truth[reference]), uncertainty)


def test_decomposition_by_hand():
    # forecasts of class 0: .75 and .75 with one right, .25 and .25 with none right; class 1 mirrors it
    first = torch.tensor([0.75, 0.75, 0.25, 0.25], dtype=torch.float64)
    probs = torch.stack([first, 1 - first], dim=-1)
    outcome = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    rows = Reference(torch.stack([outcome, 1 - outcome], dim=-1))
    terms = brier_decomposition(Predictions(probs), rows, bins=10)
    # two classes: reliability 2 * mean(.25², .25²); base rate 1/4, observed 1/2 and 0
    assert [float(term) for term in terms] == pytest.approx([2 / 16, 2 / 16, 2 * 3 / 16])
