import numpy as np
import pytest

from fedsoft.analysis.learning import learned
from fedsoft.analysis.pairs import Price, Purchase, effort, pairs_of, purchases
from fedsoft.analysis.values import Values
from fedsoft.config import Arm
from fedsoft.streams import stream

EXAMPLES, SEEDS = 60, 10


def plan(
    above: dict[str, float],
    prices: dict[str, Price],
    spread: float | tuple[float, ...] = 0.1,
    constant: float = 1.0,
) -> Purchase:
    """What to buy where arms have a Brier score of .3 and something, their differences as wide as said."""
    rng = stream("purchases")
    image, seed = np.tile(np.arange(EXAMPLES), SEEDS), np.repeat(np.arange(SEEDS), EXAMPLES)
    noise = rng.normal(0, 1, (len(above), len(image))) * np.resize(spread, len(above))[:, None]
    noise -= noise.mean(axis=1, keepdims=True)
    columns = 0.3 + noise + np.array(list(above.values()))[:, None]
    values = Values(
        list(above), {("raw", "label", "brier"): columns}, image, image, seed, {},
        {("label", "brier"): np.full(len(image), constant)},
    )  # fmt: skip
    known, pairs = learned(values, "fedavg"), pairs_of(values, "fedavg")
    (found,) = purchases(values, "fedavg", prices, known, pairs)
    return found


FREE = {"hard": Price(0, 1, 0), "smoothing": Price(0, 1, 1), "hard + temperature": Price(0, 0, 3)}


def test_effort_counts_what_is_beside_plain_training() -> None:
    hard = Arm.model_validate({"source": "hard"})
    stopped = {"source": "hard", "training": {"stop": "best_validation", "mixup": 0.1}}
    both = Arm.model_validate(stopped | {"members": 3, "calibration": "temperature"})
    assert effort(hard, "hard") == 0
    assert effort(hard, "human_soft") == 1
    assert effort(Arm.model_validate(stopped), "hard") == 2 * 2 + 1
    assert effort(both, "hard") == 2 * 4 + 1


def test_of_one_price_the_simplest_that_nothing_is_shown_to_beat_is_bought() -> None:
    found = plan({"hard": 0.004, "smoothing": 0.003, "hard + temperature": 0.0}, FREE)
    assert found.best.source == found.cheapest.source == "hard + temperature"
    assert found.simplest is not None
    assert found.choice.source == found.simplest.source == "hard"


def test_what_is_beaten_is_not_bought_for_being_simple() -> None:
    found = plan({"hard": 0.1, "smoothing": 0.003, "hard + temperature": 0.0}, FREE)
    assert found.choice.source == "smoothing"
    found = plan({"hard": 0.1, "smoothing": 0.1, "hard + temperature": 0.0}, FREE)
    assert found.simplest is None
    assert found.choice.source == "hard + temperature"


def test_what_has_not_learned_is_not_bought_for_being_simple() -> None:
    above = {"hard": 0.012, "hard + temperature": 0.0}
    assert plan(above, FREE, spread=0.15).choice.source == "hard"
    found = plan(above, FREE, spread=0.15, constant=0.316)  # which only the tempered one beats
    assert found.learned
    assert found.simplest is None


def test_another_price_is_no_tie() -> None:
    prices = FREE | {"hard + temperature": Price(100, 1, 3)}
    found = plan({"hard": 0.004, "hard + temperature": 0.0}, prices)
    assert found.simplest is None  # whether its votes are worth paying for is undecided, and told
    assert found.choice.source == "hard + temperature"


def test_what_is_shown_to_be_as_good_comes_before_what_is_not_beaten() -> None:
    prices = FREE | {"human_soft": Price(100, 1, 1)}
    above = {"hard": 0.004, "smoothing": 0.0005, "human_soft": 0.0}
    found = plan(above, prices, spread=(0.3, 0.001, 0.001))
    assert found.best.source == "human_soft"
    assert found.choice.source == found.cheapest.source == "smoothing"


@pytest.mark.parametrize(("efforts", "bought"), [((0, 3), "hard"), ((3, 0), "hard + temperature")])
def test_of_arms_that_are_as_good_the_simpler_comes_before_the_faster(
    efforts: tuple[int, int], bought: str
) -> None:
    prices = {"hard": Price(0, 5, efforts[0]), "hard + temperature": Price(0, 5, efforts[1])}
    prices["hard"] = Price(0, 9 if bought == "hard" else 1, efforts[0])
    found = plan({"hard": 0.0005, "hard + temperature": 0.0}, prices, spread=0.001)
    assert all(offer.as_good for offer in found.offers)
    assert found.simplest is None
    assert found.choice.source == bought
