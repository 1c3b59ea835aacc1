import pytest
import torch

from fedsoft.evaluation import METRICS, floors, human_strata, margin_strata

DEVICE = "cuda" if torch.cuda.is_available() else "meta"


def test_one_bin_has_the_mean_absolute_error_of_a_binomial(rng):
    # |mean hit - .5| over 400 coins: sqrt(2 / pi) * .5 / sqrt(400), the mean of a folded normal
    probs = torch.tensor([[0.5, 0.5]] * 400, dtype=torch.float64)
    floor = floors(probs, [METRICS.parse("ece")], rng, draws=2000)[0]
    assert float(floor) == pytest.approx((2 / torch.pi) ** 0.5 * 0.025, rel=0.07)


def test_a_hit_has_its_confidence_as_chance(rng):
    probs = torch.tensor([[0.1, 0.7, 0.2]] * 1000, dtype=torch.float64)
    assert float(floors(probs, [METRICS.parse("accuracy")], rng, draws=50)[0]) == pytest.approx(0.7, abs=0.01)


def test_sure_predictions_have_no_floor(rng):
    assert float(floors(torch.eye(4), [METRICS.parse("ece")], rng)[0]) == 0


@pytest.mark.parametrize("name", [name for name in METRICS.names() if METRICS.get(name).floor])
def test_floors_sink_with_more_examples(name, rng):
    probs = torch.as_tensor(rng.dirichlet([1, 1, 1], size=(2, 2000)))
    metric = METRICS.parse(name)
    few, many = (floors(probs[:, :n], [metric], rng)[0] for n in (100, 2000))
    assert few.shape == (2,)
    assert (few > many).all()
    assert (many > 0).all()


def test_no_examples_give_nan(rng):
    assert floors(torch.zeros(2, 0, 3), [METRICS.parse("ece")], rng)[0].isnan().all()


def test_stays_on_the_device_of_its_inputs(rng):
    probs = torch.full((2, 8, 3), 1 / 3, device=DEVICE)
    assert floors(probs, [METRICS.parse("ece")], rng)[0].device.type == DEVICE
    masks = {**human_strata(torch.ones(8, 3, device=DEVICE), rng), **margin_strata(probs[0], rng)}
    assert {mask.device.type for mask in masks.values()} == {DEVICE}
