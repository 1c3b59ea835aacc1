import pytest
import torch

from fedsoft.evaluation import METRICS, floors, human_strata, margin_strata, onehot

DEVICE = "cuda" if torch.cuda.is_available() else "meta"
FLOORED = [METRICS.parse(name) for name in METRICS.names() if METRICS.get(name).floor]


def chance(rng, *shape):
    return torch.as_tensor(rng.random(shape))


def test_redrawn_labels_score_as_their_one_hot_rows_do(rng):
    probs = torch.as_tensor(rng.dirichlet([0.3] * 4, size=(2, 60)))
    numbers = chance(rng, 3, 2, 60)
    labels = (probs.cumsum(dim=-1)[..., :-1] <= numbers.unsqueeze(-1)).sum(dim=-1)
    found = floors(probs, FLOORED, numbers)
    wanted = [metric(probs, onehot(labels, 4)).mean(dim=0) for metric in FLOORED]
    torch.testing.assert_close(torch.stack(found), torch.stack(wanted), rtol=1e-12, atol=1e-12)


def test_one_bin_has_the_mean_absolute_error_of_a_binomial(rng):
    # |mean hit - .5| over 400 coins: sqrt(2 / pi) * .5 / sqrt(400), the mean of a folded normal
    probs = torch.tensor([[0.5, 0.5]] * 400, dtype=torch.float64)
    floor = floors(probs, [METRICS.parse("ece")], chance(rng, 2000, 400))[0]
    assert float(floor) == pytest.approx((2 / torch.pi) ** 0.5 * 0.025, rel=0.07)


def test_a_hit_has_its_confidence_as_chance(rng):
    probs = torch.tensor([[0.1, 0.7, 0.2]] * 1000, dtype=torch.float64)
    found = floors(probs, [METRICS.parse("accuracy")], chance(rng, 50, 1000))[0]
    assert float(found) == pytest.approx(0.7, abs=0.01)


def test_sure_predictions_have_no_floor(rng):
    assert float(floors(torch.eye(4), [METRICS.parse("ece")], chance(rng, 20, 4))[0]) == 0


@pytest.mark.parametrize("metric", FLOORED, ids=lambda metric: metric.name)
def test_floors_sink_with_more_examples(metric, rng):
    probs = torch.as_tensor(rng.dirichlet([1, 1, 1], size=(2, 2000)))
    few, many = (floors(probs[:, :n], [metric], chance(rng, 20, 2, n))[0] for n in (100, 2000))
    assert few.shape == (2,)
    assert (few > many).all()
    assert (many > 0).all()


def test_no_examples_give_nan(rng):
    assert floors(torch.zeros(2, 0, 3), [METRICS.parse("ece")], chance(rng, 20, 2, 0))[0].isnan().all()


def test_stays_on_the_device_of_its_inputs(rng):
    probs = torch.full((2, 8, 3), 1 / 3, device=DEVICE)
    assert floors(probs, [METRICS.parse("ece")], chance(rng, 20, 2, 8).to(DEVICE))[0].device.type == DEVICE
    masks = {**human_strata(torch.ones(8, 3, device=DEVICE), rng), **margin_strata(probs[0], rng)}
    assert {mask.device.type for mask in masks.values()} == {DEVICE}
