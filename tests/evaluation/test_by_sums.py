"""Calibrators fitted across clients by sums: what the pooled fit finds, at any split, for stated bytes."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from fedsoft.evaluation import CALIBRATORS, METRICS, BySums, Exchanges, apply_temperature, onehot
from fedsoft.evaluation.histogram import CELLS, WIDEST
from fedsoft.evaluation.temperature import COLDEST, fit_temperature, temperature_sums
from fedsoft.evaluation.vector_scaling import vector_sums
from fedsoft.streams import stream

SUMMED = [name for name in CALIBRATORS.names() if issubclass(CALIBRATORS.get(name), BySums)]
SPLITS = {
    "one client": [200],
    "uneven": [120, 3, 50, 27],
    "clients of none or one": [0, 1, 0, 1, 198, 0],
    "each example a client": [1] * 200,
}


@pytest.fixture(scope="module")
def examples():
    """200 predictions with four classes, sharper than the truth, and labels drawn from it."""
    rng = stream("examples of clients")
    truth = rng.dirichlet(np.full(4, 0.5), 200)
    labels = (truth.cumsum(1) < rng.random((200, 1))).sum(1).clip(max=3)
    return apply_temperature(torch.as_tensor(truth), 0.6), onehot(torch.as_tensor(labels), 4)


def parted(probs, reference, sizes):
    return list(zip(probs.split(sizes), reference.split(sizes), strict=True))


def federated(calibrator, parts):
    exchanges = Exchanges(calibrator.sums, parts)
    return calibrator.solve(parts[0][0].shape[1], exchanges), exchanges


def test_which_can_be_fitted_by_sums():
    assert SUMMED == ["temperature", "vector_scaling", "histogram_binning"]


@pytest.mark.parametrize("sizes", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize("name", SUMMED)
def test_any_split_finds_what_one_client_with_all_does(name, sizes, examples):
    calibrator = CALIBRATORS.parse({"name": name, "scope": "federated"})
    alone, _ = federated(calibrator, [examples])
    numbers, _ = federated(calibrator, parted(*examples, sizes))
    torch.testing.assert_close(numbers, alone, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("pseudo", [0.0, 20.0, 1000.0])
@pytest.mark.parametrize("soft", [False, True])
def test_temperature_is_the_pooled_one(pseudo, soft, examples):
    probs, reference = examples
    reference = 0.7 * reference + 0.1 * (1 - reference) if soft else reference
    calibrator = CALIBRATORS.parse({"name": "temperature", "pseudo": pseudo})
    numbers, _ = federated(calibrator, parted(probs, reference, SPLITS["uneven"]))
    pooled = fit_temperature(probs, reference, pseudo)
    assert abs(float(pooled) - 1) > 0.01
    assert float(numbers) == pytest.approx(float(pooled), rel=1e-10)
    made, wanted = calibrator.apply(probs, numbers), calibrator.fit(probs, reference)(probs)
    torch.testing.assert_close(made, wanted, atol=1e-10, rtol=0)


def test_labels_that_are_all_right_ask_for_the_coldest_here_too(examples):
    probs, _ = examples
    right = onehot(probs.argmax(dim=1), 4)
    calibrator = CALIBRATORS.parse({"name": "temperature", "pseudo": 0})
    numbers, _ = federated(calibrator, parted(probs, right, SPLITS["uneven"]))
    assert float(numbers) == pytest.approx(COLDEST)


@pytest.mark.parametrize(("pseudo", "l2"), [(0.0, 2.0), (20.0, 2.0), (20.0, 0.0), (500.0, 0.1)])
def test_vector_scaling_is_the_pooled_one(pseudo, l2, examples):
    probs, reference = examples
    calibrator = CALIBRATORS.parse({"name": "vector_scaling", "pseudo": pseudo, "l2": l2})
    numbers, _ = federated(calibrator, parted(probs, reference, SPLITS["uneven"]))
    made = calibrator.apply(probs, numbers)
    assert (made - probs).abs().max() > 0.01
    torch.testing.assert_close(made, calibrator.fit(probs, reference)(probs), atol=1e-6, rtol=0)


def test_vector_scaling_is_the_minimum(examples):
    """Against SciPy's minimiser with numerical gradients, on the loss of the docstring."""
    probs, reference = (rows.numpy() for rows in examples)

    def loss(x):
        scaled = log_softmax(x[:4] * np.log(np.maximum(probs, 1e-12)) + x[4:], axis=1)
        return -((reference + 30 / 200 * probs) * scaled).sum() + 0.5 * (
            ((x[:4] - 1) ** 2).sum() + (x[4:] ** 2).sum()
        )

    best = minimize(loss, np.r_[np.ones(4), np.zeros(4)], tol=1e-10).x
    calibrator = CALIBRATORS.parse({"name": "vector_scaling", "pseudo": 30, "l2": 0.5})
    numbers, _ = federated(calibrator, parted(*examples, SPLITS["uneven"]))
    np.testing.assert_allclose(numbers.flatten(), best, atol=1e-4)


def test_vector_scaling_without_a_minimum_stops_on_its_way(examples):
    probs, _ = examples
    right = onehot(probs.argmax(dim=1), 4)
    calibrator = CALIBRATORS.parse({"name": "vector_scaling", "pseudo": 0, "l2": 0})
    numbers, exchanges = federated(calibrator, parted(probs, right, SPLITS["uneven"]))
    assert numbers.isfinite().all()
    made = calibrator.apply(probs, numbers)
    assert (made * right).sum(dim=1).mean() > 0.999 > (probs * right).sum(dim=1).mean()
    assert exchanges.number <= 200


def test_a_step_that_leads_too_far_is_shortened():
    """One class said to be all but impossible, and true every time: Newton's first step overshoots."""
    probs = torch.tensor([[1 - 1e-9, 1e-9]] * 50, dtype=torch.float64)
    reference = torch.tensor([[0.0, 1.0]] * 50, dtype=torch.float64)
    calibrator = CALIBRATORS.parse({"name": "vector_scaling", "pseudo": 0, "l2": 0.01})
    numbers, exchanges = federated(calibrator, [(probs, reference)])
    numbers, pooled = calibrator.apply(probs, numbers), calibrator.fit(probs, reference)(probs)
    torch.testing.assert_close(numbers, pooled, atol=1e-6, rtol=0)
    assert exchanges.number < 100


@pytest.mark.parametrize("bins", [1, 3, 10, 100])
def test_bins_are_those_of_predictions_known_to_their_cell(bins, examples):
    """The pooled bins of predictions that are rounded down to where their cell begins."""
    probs, reference = examples
    odds = torch.special.logit(probs)
    step = 2 * WIDEST / (CELLS - 2)
    begin = torch.sigmoid(-WIDEST + step * ((odds + WIDEST) / step).floor().clamp_max(CELLS - 2))
    known = torch.where(odds < -WIDEST, 0.0, begin)
    calibrator = CALIBRATORS.parse({"name": "histogram_binning", "bins": bins})
    numbers, _ = federated(calibrator, parted(probs, reference, SPLITS["uneven"]))
    wanted = calibrator.fit(known, reference)(probs)
    torch.testing.assert_close(calibrator.apply(probs, numbers), wanted, atol=1e-12, rtol=0)
    assert numbers.shape == (4, 3, bins)
    np.testing.assert_array_equal(numbers[:, 1].sum(dim=1), 200)
    torch.testing.assert_close(numbers[:, 2].sum(dim=1), reference.sum(dim=0))


def test_bins_are_the_pooled_ones_where_cells_part_what_bins_do():
    """Four bins of ten examples with gaps between them that are wider than a cell."""
    rng = stream("gaps")
    p = torch.as_tensor(np.repeat([0.05, 0.2, 0.6, 0.9], 10) + rng.uniform(-0.005, 0.005, 40))
    probs = torch.stack([p, 1 - p], dim=1)
    reference = onehot(torch.as_tensor(rng.integers(2, size=40)), 2)
    calibrator = CALIBRATORS.parse({"name": "histogram_binning", "bins": 4})
    numbers, _ = federated(calibrator, parted(probs, reference, [13, 0, 1, 26]))
    wanted = calibrator.fit(probs, reference)(probs)
    torch.testing.assert_close(calibrator.apply(probs, numbers), wanted, atol=1e-15, rtol=0)


def test_bins_made_of_cells_are_about_as_good():
    """On 3,000 examples of a model that is far too sharp, judged by the truth behind the labels."""
    rng = stream("a sharp model")
    truth = rng.dirichlet(np.full(4, 0.7), 6000)
    labels = torch.as_tensor((truth.cumsum(1) < rng.random((6000, 1))).sum(1).clip(max=3))
    probs, truth = apply_temperature(torch.as_tensor(truth), 0.25), torch.as_tensor(truth)
    half, reference = probs[:3000], onehot(labels, 4)[:3000]
    calibrator = CALIBRATORS.parse("histogram_binning")
    numbers, _ = federated(calibrator, parted(half, reference, [1000, 2000]))
    kl = METRICS.parse("kl")
    before, pooled, summed = (
        float(kl(made, truth[3000:]))
        for made in (
            probs[3000:],
            calibrator.fit(half, reference)(probs[3000:]),
            calibrator.apply(probs[3000:], numbers),
        )
    )
    assert before > 5 * pooled
    assert summed == pytest.approx(pooled, abs=0.005)


def test_a_prediction_where_a_cell_begins_is_in_it():
    """Four of .4, none right, and four of .5, all right: .5 begins a cell, and with it the upper bin."""
    p = torch.tensor([0.4] * 4 + [0.5] * 4, dtype=torch.float64)
    reference = onehot((p == 0.4).long(), 2)
    calibrator = CALIBRATORS.parse({"name": "histogram_binning", "bins": 2, "pseudo": 0})
    numbers, _ = federated(calibrator, [(torch.stack([p, 1 - p], dim=1), reference)])
    np.testing.assert_array_equal(numbers[0], [[-np.inf, 0.5], [4, 4], [0, 4]])


def test_sums_of_temperature_are_derivatives(examples):
    def loss(sharpness):
        return -(reference * (sharpness * probs.clamp_min(1e-12).log()).log_softmax(dim=-1)).sum()

    probs, reference = examples
    at = torch.tensor(0.7, dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(loss, at)
    curvature = torch.autograd.functional.hessian(loss, at)
    wanted = torch.stack([torch.tensor(200.0).double(), slope, curvature])
    torch.testing.assert_close(temperature_sums(probs, reference, at[None]), wanted)


def test_sums_of_vector_scaling_are_derivatives(examples):
    def loss(scale):
        weight, bias = scale.view(2, 4)
        return -(reference * (weight * probs.clamp_min(1e-12).log() + bias).log_softmax(dim=-1)).sum()

    probs, reference = examples
    at = torch.as_tensor(stream("scale").normal(1, 0.5, 8))
    gradient = torch.autograd.functional.jacobian(loss, at)
    hessian = torch.autograd.functional.hessian(loss, at)
    upper = torch.triu_indices(8, 8)
    wanted = torch.cat([torch.tensor([200.0, float(loss(at))]).double(), gradient, hessian[tuple(upper)]])
    found = vector_sums(probs, reference, at.view(2, 4))
    torch.testing.assert_close(found[:1], wanted[:1])
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-6)  # the loss was rounded to float32


@pytest.mark.parametrize("name", SUMMED)
def test_what_a_client_tells_has_one_size_and_nothing_adds_nothing(name, examples):
    calibrator = CALIBRATORS.parse(name)
    here = {"temperature": torch.ones(1), "vector_scaling": torch.ones(2, 4)}.get(name, torch.empty(0))
    told = [calibrator.sums(*(rows[:n] for rows in examples), here.double()) for n in (0, 1, 200)]
    assert len({one.shape for one in told}) == 1
    assert (told[0] == 0).all()
    assert (told[1] != 0).any()


@pytest.mark.parametrize(
    ("name", "asked", "told", "told_once", "map_"),
    [
        ("temperature", 1, 3, False, 1),
        ("vector_scaling", 8, 1 + 1 + 8 + 36, False, 8),
        ("histogram_binning", 0, 2 * 4 * 64, True, 4 * 3 * 10),
    ],
)
def test_bytes(name, asked, told, told_once, map_, examples):
    """Numbers of 8 bytes: a client gets parameters and sends sums in each exchange, and gets the map once."""
    calibrator = CALIBRATORS.parse(name)
    numbers, exchanges = federated(calibrator, parted(*examples, SPLITS["uneven"]))
    exchanges.send(numbers)
    assert exchanges.number == 1 if told_once else 3 < exchanges.number < 12
    assert exchanges.bytes_up == 8 * 4 * told * exchanges.number
    assert exchanges.bytes_down == 8 * 4 * (asked * exchanges.number + map_)


def test_clients_are_added_in_their_order():
    parts = [(torch.tensor([[value]], dtype=torch.float64), torch.ones(1, 1)) for value in (1e16, 1.0, -1e16)]
    assert float(Exchanges(lambda p, r, at: p.sum() + at, parts)(torch.zeros(()))) == 0.0
    assert float(Exchanges(lambda p, r, at: p.sum() + at, parts[::2] + parts[1:2])(torch.zeros(()))) == 1.0


def test_what_does_not_follow_from_sums_is_refused():
    with pytest.raises(ValueError, match=r"isotonic: .*by sums.*choose temperature, vector_scaling or hist"):
        CALIBRATORS.parse({"name": "isotonic", "scope": "federated"})
    with pytest.raises(ValueError, match=r"scope: .*'all', 'federated' or 'client'"):
        CALIBRATORS.parse({"name": "temperature", "scope": "clients"})
