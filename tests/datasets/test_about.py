"""Where labels and groups come from: told, or recognised, and said either way."""

import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.datasets.about import MANY_GROUPS
from fedsoft.errors import DataError

VOTES = np.array([[2, 1, 0], [0, 3, 0], [0, 1, 2], [1, 1, 1]])
MODES = np.array([0, 1, 2, 1])
OTHERS = np.array([0, 2, 1, 1])


@pytest.fixture
def load(tmp_path):
    def build(labels=MODES, votes=VOTES, options=(), **arrays):
        known = {"features": np.eye(len(labels)), "labels": labels, "votes": votes, **arrays}
        np.savez(tmp_path / "mine.npz", **{name: a for name, a in known.items() if a is not None})
        return DATASETS.parse({"name": "npz", "path": str(tmp_path / "mine.npz"), **dict(options)}).load()

    return build


def test_labels_that_all_could_be_the_majority_are_taken_so(load):
    data = load()
    assert data.labels_are_majority
    assert "taken as the votes' own majority, since every one is a mode" in data.summary()
    assert 'labels_are = "independent"' in data.summary()


def test_labels_that_are_no_modes_are_independent(load):
    data = load(OTHERS)
    assert not data.labels_are_majority
    assert "independent of the votes, since 2 are no mode" in data.summary()


def test_who_says_that_labels_are_independent_is_obeyed(load):
    data = load(options={"labels_are": "independent"})
    assert not data.labels_are_majority
    assert "as told, though every one is a mode" in data.summary()


def test_a_majority_that_is_none_is_refused_with_the_first_row(load):
    assert load(options={"labels_are": "majority"}).labels_are_majority
    with pytest.raises(DataError, match=r"label of items number 1, '2', is no mode of its votes"):
        load(OTHERS, options={"labels_are": "majority"})
    with pytest.raises(DataError, match="there are none"):
        load(votes=None, options={"labels_are": "majority"})


def test_without_votes_labels_are_no_majority(load):
    data = load(votes=None)
    assert not data.labels_are_majority
    assert "Labels:" not in data.summary()


@pytest.mark.parametrize(("number", "kind"), [(MANY_GROUPS - 1, "sites"), (MANY_GROUPS, "people")])
def test_many_groups_are_people(load, number, kind):
    labels = np.arange(2 * MANY_GROUPS) % 2
    arrays = {
        "labels": labels,
        "votes": np.eye(2, dtype=int)[labels],
        "groups": np.arange(len(labels)) % number,
    }
    data = load(**arrays)
    assert data.groups_are == kind
    assert (data.people is None) == (kind == "sites")
    other = {"sites": "people", "people": "sites"}[kind]
    assert f"Groups: {number} {kind}" in data.summary()
    assert f'groups_are = "{other}"' in data.summary()
    told = load(**arrays, options={"groups_are": other})
    assert told.groups_are == other
    assert "groups_are" not in told.summary()


def test_people_on_both_sides_of_a_given_test_set_are_counted(load):
    held_out = np.array([False, False, True, True])
    data = load(groups=np.array([1, 2, 2, 3]), held_out=held_out, options={"groups_are": "people"})
    assert "3 people, 1 of them on both sides" in data.summary()


def test_items_are_called_what_they_are(load, tmp_path):
    assert load().summary().startswith("npz: 4 items, features 4")
    np.savez(tmp_path / "p.npz", images=np.zeros((4, 5, 5), np.uint8), labels=MODES)
    data = DATASETS.parse({"name": "npz", "path": str(tmp_path / "p.npz")}).load()
    assert data.summary().startswith("npz: 4 images, images 5×5×1")
