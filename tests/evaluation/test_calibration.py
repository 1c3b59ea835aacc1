import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torchmetrics.functional.classification import multiclass_calibration_error

from fedsoft.evaluation import METRICS, onehot


def value(name, probs, reference, **options):
    return float(METRICS.parse({"name": name, **options})(probs, reference))


def two_classes(confidence, hit):
    """Predictions of class 0 with stated confidences, and references with stated hits."""
    columns = torch.as_tensor(np.array([confidence, hit], dtype=float)).unsqueeze(-1)
    return torch.cat([columns, 1 - columns], dim=-1)


def test_by_hand():  # .6, .6 with one right; .9, .9 both right
    probs, truth = two_classes([0.6, 0.6, 0.9, 0.9], [1, 0, 1, 1])
    assert value("signed_gap", probs, truth) == pytest.approx(0.75 - 0.75, abs=1e-12)
    assert value("ece", probs, truth, bins=10) == pytest.approx((2 * 0.1 + 2 * 0.1) / 4)
    assert value("ece_mass", probs, truth, bins=2) == pytest.approx(0.1)
    assert value("ece_mass", probs, truth, bins=1) == pytest.approx(0, abs=1e-12)
    assert value("mce", two_classes([0.6, 0.9], [0, 1])[0], two_classes([0.6, 0.9], [0, 1])[1]) == (
        pytest.approx(0.6)
    )
    # squared: (.1² - ½·½/1) and (.1² - 0), each with half of the examples
    assert value("squared_ce", probs, truth, bins=2) == pytest.approx((0.01 - 0.25 + 0.01) / 2)


def test_signed_gap_is_positive_when_too_sure():
    assert value("signed_gap", *two_classes([0.9, 0.9], [1, 0])) == pytest.approx(0.4)


def test_bins_are_closed_on_the_right():
    probs, truth = two_classes([0.6, 0.55], [0, 1])  # both in (.5, .6]
    assert value("ece", probs, truth, bins=10) == pytest.approx(abs(1.15 - 1) / 2)


@pytest.mark.parametrize(("name", "norm"), [("ece", "l1"), ("mce", "max")])
def test_agrees_with_torchmetrics(name, norm, crowd):
    probs, truth, _ = crowd()
    labels = truth["label"].argmax(-1)
    other = multiclass_calibration_error(probs, labels, num_classes=4, n_bins=15, norm=norm)
    assert value(name, probs, truth["label"]) == pytest.approx(float(other), abs=1e-6)


@pytest.mark.parametrize("reference", ["label", "vote"])
@pytest.mark.parametrize("binning", ["width", "mass"])
def test_agrees_with_plain_loops(reference, binning, crowd):
    probs, truth, _ = crowd()
    p, r = probs.numpy(), truth[reference].numpy()
    rows = np.arange(len(p))

    def parts(score):
        if binning == "mass":
            return np.array_split(np.argsort(score), 15)
        return [np.flatnonzero((b / 15 < score) & (score <= (b + 1) / 15)) for b in range(15)]

    def ece(score, hit):
        return sum(
            len(part) / len(p) * abs(score[part].mean() - hit[part].mean())
            for part in parts(score)
            if len(part)
        )

    confidence, hit = p.max(1), r[rows, p.argmax(1)]
    squared = [
        len(part) / len(p) * ((confidence[part] - hit[part]).mean() ** 2 - hit[part].var(ddof=1) / len(part))
        for part in parts(confidence)
        if len(part) > 1
    ]
    options = {"bins": 15, "binning": binning}
    assert value("ece", probs, truth[reference], **options) == pytest.approx(ece(confidence, hit))
    assert value("squared_ce", probs, truth[reference], **options) == pytest.approx(sum(squared))
    classwise = np.mean([ece(p[:, c], r[:, c]) for c in range(4)])
    assert value("classwise_ece", probs, truth[reference], **options) == pytest.approx(classwise)


def test_equal_mass_does_not_hide_the_error_of_a_constant_model():
    probs, truth = two_classes([0.9] * 30, [0.5] * 30)
    assert value("ece_mass", probs, truth) == pytest.approx(0.4)


def test_debiased_error_has_no_bias_where_ece_has(rng):
    """300 sets of 100 examples that are right as often as they say."""
    confidence = torch.as_tensor(rng.choice([0.6, 0.7, 0.8], size=(300, 100)))
    hit = torch.as_tensor(rng.random((300, 100))) < confidence
    probs = torch.stack([confidence, 1 - confidence], dim=-1)
    truth = onehot(1 - hit.long(), 2)
    squared = METRICS.parse({"name": "squared_ce", "bins": 10, "binning": "width"})(probs, truth)
    assert abs(float(squared.mean())) < 4 * float(squared.std()) / math.sqrt(300)
    assert float(METRICS.parse("ece")(probs, truth).mean()) > 0.03


def test_labels_drawn_from_the_predictions_are_calibrated(rng):
    probs = torch.as_tensor(rng.dirichlet([1, 1, 1], size=100_000))
    labels = (probs.cumsum(-1) < torch.as_tensor(rng.random((100_000, 1)))).sum(-1)
    for name in ("ece", "ece_mass", "classwise_ece", "smooth_ece", "brier_reliability"):
        assert value(name, probs, onehot(labels, 3)) < 0.01
    assert abs(value("signed_gap", probs, onehot(labels, 3))) < 0.01


def smooth_ece_by_images(confidence, hit):
    """The definition, with mirror images of the kernel summed one by one and Brent's root finder."""
    t = (np.arange(2000) + 0.5) / 2000

    def smoothed(width):
        density = np.zeros_like(t)
        for f, residual in zip(confidence, hit - confidence, strict=True):
            for centre in [2 * k + sign * f for k in range(-3, 4) for sign in (1, -1)]:
                density += residual * np.exp(-(((t - centre) / width) ** 2) / 2)
        return np.abs(density / (width * math.sqrt(2 * math.pi))).mean() / len(confidence)

    return brentq(lambda width: smoothed(width) - width, 0.005, 1)


@pytest.mark.parametrize("sharper", [0.5, 1.0])
def test_smooth_ece_agrees_with_its_definition(sharper, rng):
    confidence = 0.5 + 0.5 * rng.random(60)
    hit = (rng.random(60) < 0.5 + sharper * (confidence - 0.5)).astype(float)
    probs, truth = two_classes(confidence, hit)
    assert value("smooth_ece", probs, truth) == pytest.approx(smooth_ece_by_images(confidence, hit), abs=2e-5)


def test_smooth_ece_reflects_the_kernel_at_certainty():
    confidence, hit = np.array([1.0, 0.9] * 5), np.array([0.9, 1.0] * 5)
    expected = smooth_ece_by_images(confidence, hit)
    assert value("smooth_ece", *two_classes(confidence, hit)) == pytest.approx(expected, abs=2e-5)


def test_smooth_ece_of_a_constant_model_is_about_its_gap():
    # one residual of mass .3: smoothing keeps its absolute integral at any width
    assert value("smooth_ece", *two_classes([0.8] * 10, [0.5] * 10)) == pytest.approx(0.3, abs=1e-6)
