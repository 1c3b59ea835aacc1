"""A model's uncertainty in place of people's."""

import numpy as np
import pytest

from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise
from fedsoft.supervision.matching import entropy


def targets(evidence, **options):
    source = SOURCES.parse({"name": "teacher"} | options)
    return supervise(source, evidence, None, lambda purpose: stream(purpose, seed=0))[0]


@pytest.fixture(scope="module")
def both(evidence):
    rng = stream("both")
    votes = 1 + rng.multinomial(50, rng.dirichlet(np.ones(3), 200))
    return evidence(votes, rng.integers(0, 3, 200), predictions=rng.dirichlet([4, 4, 4], 200))


def test_unmatched_it_is_the_prediction(both):
    np.testing.assert_array_equal(targets(both, match=None), both.predictions)


def test_it_is_as_soft_as_people(both):
    people = entropy(both.soft).mean()  # the mode-matched soft label has the same masses
    assert entropy(targets(both)).mean() == pytest.approx(people, abs=1e-8)
    top = targets(both, match="top_mass").max(axis=1).mean()
    assert top == pytest.approx(both.soft.max(axis=1).mean(), abs=1e-8)


def test_its_modes_are_the_models_or_the_labels(both):
    plain, matched = targets(both), targets(both, mode_matched=True)
    np.testing.assert_array_equal(plain.argmax(axis=1), both.predictions.argmax(axis=1))
    np.testing.assert_array_equal(matched.argmax(axis=1), both.labels)
    np.testing.assert_allclose(np.sort(matched), np.sort(plain))


def test_an_ensemble_is_a_teacher_of_several_models(both):
    for options in ({}, {"match": "top_mass"}, {"mode_matched": True}):
        np.testing.assert_array_equal(targets(both, name="ensemble", **options), targets(both, **options))
    assert [SOURCES.parse(name).models for name in ("teacher", "ensemble")] == [1, 5]
    assert SOURCES.parse({"name": "ensemble", "members": 3}).models == 3
    with pytest.raises(ValueError, match=r"members: .*greater than or equal to 2"):
        SOURCES.parse({"name": "ensemble", "members": 1})
