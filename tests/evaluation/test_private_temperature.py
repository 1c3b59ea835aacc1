"""The exponential mechanism over temperatures: its chances by enumeration, its privacy by counting draws."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import beta

from fedsoft.evaluation import onehot, private_temperature
from fedsoft.evaluation.calibrators import CALIBRATORS, Temperature
from fedsoft.evaluation.private_temperature import (
    TEMPERATURES,
    draw_temperature,
    temperature_chances,
    temperature_losses,
    temperatures_at,
    whole_example,
)
from fedsoft.streams import stream

DRAWS = 200_000


def tempered(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def brier_sums(p, labels, pseudo=0.0):
    """By its definition: squared distances to one-hot labels, and to those that the prediction expects."""
    truth, losses = np.eye(p.shape[1]), []
    for temperature in TEMPERATURES:
        distances = ((tempered(p, temperature)[:, None] - truth) ** 2).sum(axis=2)  # (N, C), by class
        expected = (p * distances).sum(axis=1).mean()
        losses.append(distances[np.arange(len(p)), labels].sum() + pseudo * expected)
    return np.array(losses)


def losses_of(p, labels, pseudo=0.0):
    return temperature_losses(torch.from_numpy(p), onehot(torch.from_numpy(labels), p.shape[1]), pseudo)


@pytest.fixture
def predictions():
    rng = stream("private predictions")
    return rng.dirichlet(np.ones(4) * 0.5, size=30), rng.integers(0, 4, 30)


@pytest.mark.parametrize("pseudo", [0.0, 20.0])
def test_losses_are_sums_of_brier_scores(predictions, pseudo):
    np.testing.assert_allclose(losses_of(*predictions, pseudo), brier_sums(*predictions, pseudo))


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_chances_are_those_of_the_exponential_mechanism(predictions, epsilon):
    weights = [math.exp(-epsilon * loss / 2) for loss in brier_sums(*predictions)]
    expected = np.array(weights) / sum(weights)
    np.testing.assert_allclose(temperature_chances(losses_of(*predictions), epsilon), expected)
    drawn = temperatures_at(expected, stream("uniform").random(DRAWS))
    shares = np.array([(drawn == temperature).mean() for temperature in TEMPERATURES])
    np.testing.assert_allclose(shares, expected, atol=5 * np.sqrt(0.25 / DRAWS))


def test_infinite_epsilon_takes_the_best_temperature(predictions):
    p, labels = predictions
    best = TEMPERATURES[brier_sums(p, labels, 20.0).argmin()]
    reference = onehot(torch.from_numpy(labels), 4)
    for epsilon in (math.inf, 1e12):
        for seed in range(5):
            drawn = draw_temperature(torch.from_numpy(p), reference, 20.0, epsilon, stream("u", seed=seed))
            assert drawn == best
    assert TEMPERATURES[0] < best < TEMPERATURES[-1]


def test_tiny_epsilon_draws_any_temperature_alike(predictions):
    chances = temperature_chances(losses_of(*predictions), 1e-9)
    np.testing.assert_allclose(chances, 1 / len(TEMPERATURES), rtol=1e-6)
    assert 1 in TEMPERATURES


def test_another_answer_moves_losses_apart_by_at_most_two():
    """Whatever the prediction and both answers, since a temperature keeps the order of classes; and by
    nearly as much somewhere."""
    rng = stream("any predictions")
    for classes in (2, 3, 10, 1000):
        for spread in (0.1, 1.0, 10.0):
            p = rng.dirichlet(np.full(classes, spread), size=1)
            p = np.maximum(p, 1e-9) / np.maximum(p, 1e-9).sum()
            a, b = rng.choice(classes, 2, replace=False)
            change = losses_of(p, np.array([a])) - losses_of(p, np.array([b]))
            assert float(change.max() - change.min()) <= 2
            assert bool((change >= 0).all()) or bool((change <= 0).all())
    change = losses_of(LEADING, np.array([0])) - losses_of(LEADING, np.array([1]))
    assert 1.8 < float(change.max() - change.min()) <= 2


LEADING = np.array([[40.0] + [1.0] * 999])
LEADING /= LEADING.sum()
"""One of a thousand classes, sure where it is cold and hardly likelier than the others where it is hot."""


def neighbours(epsilon):
    """Validation answers that differ in one, where it tells most: as the others are wrong, and ask for hot
    temperatures, cold ones are rare."""
    others = math.ceil(4 / epsilon)
    first, second = np.ones(others + 1, dtype=int), np.ones(others + 1, dtype=int)
    first[0] = 0
    return np.repeat(LEADING, others + 1, axis=0), first, second


def ratio_bounds(epsilon):
    """The largest log ratio of the chances of being at most as hot as something that draws from both show,
    both ways, at 99.9 % confidence (Clopper, Pearson)."""
    p, *both = neighbours(epsilon)
    uniform = stream("ratio", epsilon=str(epsilon))
    counts = []
    for labels in both:
        drawn = temperatures_at(temperature_chances(losses_of(p, labels), epsilon), uniform.random(DRAWS))
        counts.append(np.array([(drawn <= temperature).sum() for temperature in TEMPERATURES[:-1]]))
    level = 0.001 / (4 * len(counts[0]))
    low = [np.nan_to_num(beta.ppf(level, k, DRAWS - k + 1)) for k in counts]
    high = [beta.ppf(1 - level, k + 1, DRAWS - k) for k in counts]
    return max(float(np.log(low[i] / high[1 - i]).max()) for i in (0, 1))


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_no_chance_changes_by_more_than_epsilon(epsilon, monkeypatch):
    assert 0.5 * epsilon < ratio_bounds(epsilon) <= epsilon
    monkeypatch.setattr(private_temperature, "REACH", 1.0)  # it spends twice what it says
    assert ratio_bounds(epsilon) > epsilon


def test_a_whole_example_costs_twice_as_much_and_its_pseudo_examples():
    assert whole_example(0.5, 20, 100) == pytest.approx(1.2)
    rng, epsilon, pseudo = stream("whole examples"), 1.0, 20.0
    p, labels = rng.dirichlet(np.ones(3) * 0.3, size=10), rng.integers(0, 3, 10)
    worst = 0.0
    for _ in range(100):
        other, answers = p.copy(), labels.copy()
        other[0], answers[0] = rng.dirichlet(np.ones(3) * 0.3), rng.integers(0, 3)
        change = losses_of(p, labels, pseudo) - losses_of(other, answers, pseudo)
        worst = max(worst, float(change.max() - change.min()))
    assert worst > 1.9
    assert epsilon / 2 * worst <= whole_example(epsilon, pseudo, 10)


def test_the_calibrator_draws_as_its_options_say(predictions):
    p, labels = torch.from_numpy(predictions[0]), onehot(torch.from_numpy(predictions[1]), 4)
    chosen = CALIBRATORS.parse({"name": "temperature", "epsilon": 0.5, "pseudo": 3.0})
    assert (chosen.spends, chosen.label()) == (0.5, "temperature(pseudo=3.0, epsilon=0.5)")
    calibrated = chosen.draw(p, labels, stream("u"))(p)
    temperature = draw_temperature(p, labels, 3.0, 0.5, stream("u"))
    np.testing.assert_allclose(calibrated, tempered(p.numpy(), temperature))


def test_without_epsilon_it_is_spelled_as_before():
    """So that runs which are calibrated in the clear keep their keys."""
    assert Temperature().dump() == {"name": "temperature", "on": "label", "scope": "all", "pseudo": 20.0}
    assert Temperature(epsilon=1.0).dump()["epsilon"] == 1.0
    assert [CALIBRATORS.parse(name).spends for name in CALIBRATORS.names()] == [None] * 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epsilon": 0}, "epsilon: .*greater than or equal to"),
        ({"epsilon": math.inf}, "epsilon: .*finite"),
        ({"epsilon": 1.0, "scope": "federated"}, 'scope = "federated" asks for another way; leave scope out'),
        ({"epsilon": 1.0, "scope": "client"}, 'scope = "client" asks for another way; leave scope out'),
    ],
)
def test_impossible_options_are_told(options, words):
    with pytest.raises(ValueError, match=words):
        CALIBRATORS.parse({"name": "temperature", **options})


def test_other_calibrators_have_no_epsilon():
    with pytest.raises(ValueError, match="unknown key 'epsilon'"):
        CALIBRATORS.parse({"name": "isotonic", "epsilon": 1.0})
