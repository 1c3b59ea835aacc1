import numpy as np
import pytest
import torch
from scipy.optimize import brentq, minimize_scalar

from fedsoft.evaluation import (
    METRICS,
    apply_temperature,
    fit_temperature,
    temperature,
    temperature_for_confidence,
)

DEVICE = "cuda" if torch.cuda.is_available() else "meta"


def test_by_hand():  # square roots of .8 and .2 are as 2 to 1
    softer = apply_temperature(torch.tensor([[0.8, 0.2]], dtype=torch.float64), 2.0)
    torch.testing.assert_close(softer, torch.tensor([[2 / 3, 1 / 3]], dtype=torch.float64))


def test_one_changes_nothing(crowd):
    probs, _, _ = crowd(lead=(2,))
    torch.testing.assert_close(apply_temperature(probs, 1.0), probs)


def test_one_temperature_for_each_model(crowd):
    probs, _, _ = crowd(lead=(2,))
    both = apply_temperature(probs, torch.tensor([0.5, 3.0]))
    torch.testing.assert_close(both[0], apply_temperature(probs[0], 0.5))
    torch.testing.assert_close(both[1], apply_temperature(probs[1], 3.0))


@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_recovers_the_temperature_that_was_applied(true, crowd):
    """Against the undistorted probabilities themselves, the best temperature undoes the distortion."""
    probs, _, _ = crowd()
    plain = fit_temperature(apply_temperature(probs, 1 / true), probs, pseudo=0)
    assert float(plain) == pytest.approx(true, rel=1e-4)  # sharpened, some are below 1e-12


@pytest.mark.parametrize("pseudo", [0, 20])
@pytest.mark.parametrize("reference", ["mode", "vote"])
def test_agrees_with_a_general_minimiser(reference, pseudo, crowd):
    """The loss of examples and pseudo-examples, written out, whose references are the predictions."""
    probs, truth, _ = crowd(lead=(2,))
    probs = apply_temperature(probs / 2 + truth["vote"] / 2, 0.3)
    nll = METRICS.parse("nll")
    fitted = fit_temperature(probs, truth[reference], pseudo)
    for k in range(2):
        found = minimize_scalar(
            lambda T, k=k: float(
                len(probs[k]) * nll(apply_temperature(probs[k], T), truth[reference])
                + pseudo * nll(apply_temperature(probs[k], T), probs[k])
            ),
            bounds=(0.1, 10),
            method="bounded",
            options={"xatol": 1e-7},
        )
        assert float(fitted[k]) == pytest.approx(found.x, abs=1e-4)


def test_an_overconfident_model_is_softened(crowd):
    _, truth, _ = crowd()
    sharp = apply_temperature(truth["vote"] / 2 + 0.125, 0.2)
    temperature = fit_temperature(sharp, truth["vote"])
    assert temperature > 1
    gap = METRICS.parse("signed_gap")
    assert gap(sharp, truth["vote"]) > 0.1 > abs(gap(apply_temperature(sharp, temperature), truth["vote"]))


def test_exact_zeros_are_softened_too():
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    temperature = fit_temperature(sure, torch.tensor([[1.0, 0.0], [0.5, 0.5]]), pseudo=0)
    torch.testing.assert_close(apply_temperature(sure, temperature)[0], torch.tensor([0.75, 0.25]))


def test_gives_the_stated_confidence(crowd):
    probs, _, _ = crowd(lead=(3,))
    wanted = torch.tensor([0.5, 0.7, 0.95], dtype=torch.float64)
    reached = apply_temperature(probs, temperature_for_confidence(probs, wanted)).amax(-1).mean(-1)
    torch.testing.assert_close(reached, wanted)
    same = apply_temperature(probs, temperature_for_confidence(probs, 0.6)).amax(-1).mean(-1)
    torch.testing.assert_close(same, torch.full_like(same, 0.6))


@pytest.mark.parametrize("wanted", [0.4, 0.6, 0.9])
def test_agrees_with_a_general_root_finder_in_few_steps(wanted, crowd, monkeypatch):
    probs, _, _ = crowd(lead=(2,))
    calls = []
    soften = temperature._soften
    monkeypatch.setattr(temperature, "_soften", lambda *given: calls.append(1) or soften(*given))
    found = temperature_for_confidence(probs, wanted)
    assert len(calls) <= 12
    for k in range(2):
        excess = lambda T, k=k: float(apply_temperature(probs[k], T).amax(-1).mean()) - wanted  # noqa: E731
        assert float(found[k]) == pytest.approx(brentq(excess, 0.01, 100, xtol=1e-13), rel=2e-9)


def test_what_cannot_be_reached_takes_the_nearer_end():
    sure = torch.tensor([[[0.9, 0.1]], [[0.5, 0.5]]], dtype=torch.float64)
    assert temperature_for_confidence(sure, 0.5).tolist() == pytest.approx([100, 0.01], rel=2e-9)
    assert temperature_for_confidence(sure, 1.1).tolist() == pytest.approx([0.01, 0.01], rel=2e-9)
    right = torch.tensor([[1.0, 0.0]])
    assert float(fit_temperature(sure[0], right, pseudo=0)) == pytest.approx(0.01, rel=2e-9)


def test_all_right_asks_for_a_little_colder():
    """One kind of prediction, never wrong: its error falls from .1 to .1 k / (n + k), and odds tell T."""
    for n in (5, 20, 2000):
        probs, right = torch.tensor([[0.9, 0.1]] * n), torch.tensor([[1.0, 0.0]])
        error = 0.1 * 20 / (n + 20)
        wanted = np.log(9) / np.log((1 - error) / error)
        assert float(fit_temperature(probs.double(), right)) == pytest.approx(wanted)


def test_without_evidence_one_and_with_much_the_plain_fit(crowd):
    probs, truth, _ = crowd()
    plain = fit_temperature(probs, truth["vote"], pseudo=0)
    assert plain > 1.2
    assert float(fit_temperature(probs[:1], truth["vote"][:1], pseudo=1e7)) == pytest.approx(1, abs=1e-5)
    much = fit_temperature(probs.repeat(2000, 1), truth["vote"].repeat(2000, 1))
    assert float(much) == pytest.approx(float(plain), rel=1e-3)
    few = fit_temperature(probs[:10], truth["vote"][:10])
    assert 1 < few < fit_temperature(probs[:10], truth["vote"][:10], pseudo=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_zeros_count_as_every_metric_counts_them(dtype):
    """One exact zero at the true class among 100, where a probability of 1e-12 is the same evidence."""
    zero = torch.tensor([[0.99, 0.01]] * 99 + [[1.0, 0.0]], dtype=dtype)
    least = zero.double().clone()
    least[-1] = torch.tensor([1 - 1e-12, 1e-12])
    labels = torch.tensor([[1.0, 0.0]] * 99 + [[0.0, 1.0]])
    for pseudo in (0, 20):
        found = float(fit_temperature(zero, labels, pseudo))
        assert found == pytest.approx(float(fit_temperature(least, labels, pseudo)), rel=1e-5)
        assert found < 7
    soft = apply_temperature(zero, 4.0)[-1, 1]
    assert float(soft) == pytest.approx(1e-3 / (1 + 1e-3), rel=1e-5)


def test_no_examples_give_nan():
    none = torch.zeros(2, 0, 3)
    assert fit_temperature(none, none[0]).isnan().tolist() == [True, True]
    assert temperature_for_confidence(none, 0.5).isnan().tolist() == [True, True]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stays_on_the_device_and_dtype_of_its_inputs(dtype):
    probs = torch.full((2, 8, 3), 1 / 3, dtype=dtype, device=DEVICE)
    fitted = fit_temperature(probs, torch.full((8, 3), 1 / 3, dtype=dtype, device=DEVICE))
    matched = temperature_for_confidence(probs, 0.5)
    for result, shape in ((fitted, (2,)), (matched, (2,)), (apply_temperature(probs, fitted), (2, 8, 3))):
        assert (result.device.type, result.dtype, result.shape) == (DEVICE, dtype, shape)
