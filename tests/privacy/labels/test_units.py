"""What ε protects, and what is told of it."""

import numpy as np
import pytest

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.privacy import MECHANISMS, Answers, RandomizedResponse
from fedsoft.streams import stream

ITEM = np.array([0, 0, 0, 1, 1, 2])
WHO = np.array([7, 7, 2, 7, 3, 2])
SAID = np.array([0, 0, 0, 1, 2, 0])
VOTES = np.array([[3, 0, 0], [0, 1, 1], [1, 0, 0]])
CLIENT = np.array([0, 0, 1])


def known(times=1):
    """Person 7 gave three answers, 2 gave two, 3 gave one; all of it again as often as wanted, by others."""
    shift = np.arange(times)[:, np.newaxis]
    people = Annotations((ITEM + 3 * shift).ravel(), (WHO + 8 * shift).ravel(), np.tile(SAID, times))
    return Answers(np.tile(VOTES, (times, 1)), np.tile(CLIENT, times), people)


def most(spent):
    return {name.split("_")[2]: value for name, value in spent.items() if name.endswith("max")}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("vote", {"vote": 6, "image": 18, "annotator": 18, "client": 30}),
        ("image", {"vote": 6, "image": 6, "annotator": 2 + 6, "client": 12}),
        ("client", {"vote": 6, "image": 6, "annotator": 1.2 + 6, "client": 6}),
        ("annotator", {"vote": 6, "image": 2 + 6, "annotator": 6, "client": 3 * 2 + 3 + 6}),
    ],
)
def test_randomized_response_splits_a_units_epsilon_over_its_answers(unit, expected):
    spent = RandomizedResponse(epsilon=6, unit=unit).spent(known())
    assert most(spent) == pytest.approx(expected)
    if unit == "annotator":
        assert spent["epsilon_per_annotator_mean"] == pytest.approx(6)


def test_a_part_of_the_answers_spends_its_part():
    part = known().subset(np.array([1]))
    spent = RandomizedResponse(epsilon=6, unit="annotator").spent(part)
    assert most(spent) == pytest.approx(
        {"vote": 6, "image": 8, "annotator": 6, "client": 8}
    )  # 2 of 7, 6 of 3
    assert spent["epsilon_per_annotator_mean"] == 4


def test_answers_of_unequally_busy_people_are_unbiased():
    given = known(20_000)
    soft = RandomizedResponse(epsilon=6, unit="annotator").release(given, stream("people")).reshape(-1, 3, 3)
    error = soft.std(axis=0) / np.sqrt(len(soft)) + 1e-12
    expected = VOTES / VOTES.sum(axis=1, keepdims=True)
    assert (abs(soft.mean(axis=0) - expected) < 4.5 * error).all()
    np.testing.assert_allclose(soft.sum(axis=2), 1, atol=1e-12)


def test_an_annotators_softening_is_the_mean_of_its_answers():
    gamma = RandomizedResponse(epsilon=6, unit="annotator").softening(known())
    a, b, c = (3 / (np.exp(e) + 2) for e in (2, 3, 6))
    np.testing.assert_allclose(gamma, [(2 * a + b) / 3, (a + c) / 2, b])


@pytest.mark.parametrize("name", MECHANISMS.names())
def test_annotators_must_be_known(name):
    delta = {"delta": 1e-3} if "delta" in MECHANISMS.get(name).model_fields else {}
    private = MECHANISMS.parse({"name": name, "epsilon": 1, "unit": "annotator", **delta})
    for ask in (private.spent, lambda given: private.release(given, stream("unknown"))):
        with pytest.raises(DataError, match="needs to know who gave each answer"):
            ask(Answers(VOTES, CLIENT))


def test_annotations_are_those_of_the_votes():
    with pytest.raises(ValueError, match="annotations must be those"):
        Answers(VOTES, CLIENT, Annotations(ITEM, WHO, np.zeros_like(SAID)))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"name": "randomized_response", "epsilon": 1, "delta": 1e-5}, "spends ε alone and no `delta`"),
        ({"name": "laplace", "epsilon": 1, "delta": 0}, "spends ε alone and no `delta`"),
        ({"name": "discrete_gaussian", "epsilon": 1}, "key 'delta' is required"),
        ({"name": "discrete_gaussian", "epsilon": 1, "delta": 0}, "delta: .*greater than 0"),
        ({"name": "discrete_gaussian", "epsilon": 1, "delta": 1}, "delta: .*less than 1"),
        ({"name": "laplace", "epsilon": 0}, "epsilon: .*greater than or equal to 0.000001"),
        (
            {"name": "laplace", "epsilon": 1, "unit": "person"},
            "unit: .*'vote', 'image', 'annotator' or 'client'",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(choice, words):
    with pytest.raises(ValueError, match=words):
        MECHANISMS.parse(choice)
