"""A model's uncertainty in place of people's."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.errors import DataError
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


def test_examples_of_which_an_own_model_predicts_nothing_train_on_their_label(both):
    lacking = np.arange(200) % 3 == 0
    some = replace(both, predictions=np.where(lacking[:, None], np.nan, both.predictions))
    found = targets(some, own="clip", match="none")
    np.testing.assert_array_equal(found[~lacking], both.predictions[~lacking])
    np.testing.assert_array_equal(found[lacking], np.eye(3)[both.labels[lacking]])
    # Those that are predicted are as soft as people are on them, whatever there is beside.
    matched = targets(some, own="clip")
    np.testing.assert_array_equal(matched[~lacking], targets(both.subset(np.flatnonzero(~lacking))))
    np.testing.assert_array_equal(matched[lacking], np.eye(3)[both.labels[lacking]])
    nothing = replace(both, predictions=np.full_like(both.predictions, np.nan))
    np.testing.assert_array_equal(targets(nothing, own="clip"), np.eye(3)[both.labels])
    with pytest.raises(DataError, match="needs predictions, and 67 of 200"):
        targets(some)


def test_an_own_model_is_not_trained():
    own = SOURCES.parse({"name": "teacher", "own": "clip", "match": "none"})
    assert (own.models, own.needs_votes, own.label()) == (0, False, "teacher(match=none, own=clip)")
    with pytest.raises(ValueError, match="leave `pooled` out"):
        SOURCES.parse({"name": "teacher", "own": "clip", "pooled": True})
    assert "own" not in SOURCES.parse("teacher").dump()  # so runs without it keep their keys


def test_an_ensemble_is_a_teacher_of_several_models(both):
    for options in ({}, {"match": "top_mass"}, {"mode_matched": True}):
        np.testing.assert_array_equal(targets(both, name="ensemble", **options), targets(both, **options))
    assert [SOURCES.parse(name).models for name in ("teacher", "ensemble")] == [1, 5]
    assert SOURCES.parse({"name": "ensemble", "members": 3}).models == 3
    with pytest.raises(ValueError, match=r"members: .*greater than or equal to 2"):
        SOURCES.parse({"name": "ensemble", "members": 1})
