"""Items without votes, items without labels, shares instead of votes: used where they can be, and told."""

import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError

N = 40
LABELS = np.arange(N) % 2
VOTES = np.where(np.eye(2, dtype=int)[LABELS] == 1, 2, 1)


@pytest.fixture
def load(tmp_path):
    def build(options=(), **arrays):
        known = {"features": np.arange(2.0 * N).reshape(N, 2), "labels": LABELS, "votes": VOTES, **arrays}
        np.savez(tmp_path / "mine.npz", **{name: a for name, a in known.items() if a is not None})
        return DATASETS.parse({"name": "npz", "path": str(tmp_path / "mine.npz"), **dict(options)}).load()

    return build


def some(array, where, value):
    array = array.astype(float if isinstance(value, float) else array.dtype)
    array[where] = value
    return array


FEW = slice(0, 10)


def test_items_without_votes_train_on_their_label_and_are_not_tested(load):
    data = load(votes=some(VOTES, FEW, 0))
    assert not data.voted[FEW].any()
    assert data.testable.tolist() == [False] * 10 + [True] * 30
    assert data.judges is data.votes
    assert "10 of 40 items have no answer: they train on their label" in data.summary()


def test_rows_of_nan_are_items_without_votes(load):
    np.testing.assert_array_equal(load(votes=some(VOTES, FEW, np.nan)).votes, some(VOTES, FEW, 0))


def test_all_labelled_items_may_be_tested_if_wanted_and_then_people_judge_nothing(load):
    data = load({"tested": "labelled"}, votes=some(VOTES, FEW, 0))
    assert (data.testable, data.judges) == (None, None)
    assert "10 of the 40 items for testing have no answer" in data.summary()


def test_items_without_votes_can_be_left_out(load):
    data = load({"without_votes": "leave_out"}, votes=some(VOTES, FEW, 0), item_ids=np.arange(N))
    assert data.item_ids.tolist() == list(range(10, 40))
    assert "10 of 40 items have no answer and are left out" in data.summary()


def test_held_out_items_without_votes_are_tested_against_the_label_alone(load):
    data = load(votes=some(VOTES, FEW, 0), held_out=np.arange(N) < 10)
    assert data.may_be_tested.tolist() == [True] * 10 + [False] * 30
    assert data.judges is None
    assert "how near they come to people" in data.summary()
    assert "they train on their label" not in data.summary()


@pytest.mark.parametrize("none", [-1, np.nan])
def test_items_without_a_label_train_with_the_majority_and_are_not_tested(none, load):
    data = load(labels=some(1 - LABELS, FEW, none))
    np.testing.assert_array_equal(data.labels[FEW], LABELS[FEW])
    np.testing.assert_array_equal(data.labels[10:], 1 - LABELS[10:])
    assert data.labelled.tolist() == data.testable.tolist() == [False] * 10 + [True] * 30
    assert not data.labels_are_majority
    assert "30 are no mode of theirs" in data.summary()
    assert "10 of 40 items have no label" in data.summary()
    assert len(load({"without_label": "leave_out"}, labels=some(LABELS, FEW, none))) == 30


def test_without_any_label_the_majority_is_the_label(load):
    data = load(labels=None)
    np.testing.assert_array_equal(data.labels, LABELS)
    assert (data.labels_are_majority, data.labelled, data.testable) == (True, None, None)


def test_items_of_which_nothing_is_known_are_left_out(load):
    data = load(labels=some(LABELS, FEW, -1), votes=some(VOTES, slice(5, 15), 0))
    assert len(data) == 35
    assert "5 of 40 items have neither answer nor label and are left out" in data.summary()


def test_held_out_items_without_a_label_are_left_out(load):
    data = load(labels=some(LABELS, slice(0, 5), -1), held_out=np.arange(N) < 10)
    assert (len(data), data.held_out.sum()) == (35, 5)
    assert "5 held-out items have no label to be tested by" in data.summary()


def test_a_class_that_is_no_items_label_stays_and_is_told(load):
    votes = np.column_stack([VOTES, np.arange(N) == 3])
    data = load(votes=votes, class_names=np.array(["cat", "dog", "truck"]))
    assert data.classes == 3
    assert "No item's label is 'truck', which 1 answer names" in data.summary()
    votes[3, 2] = 0
    assert "'truck', which no model can learn" in load(votes=votes).summary().replace("'2'", "'truck'")


def test_shares_are_soft_answers(load):
    shares = VOTES / 3
    data = load(votes=shares.round(4))
    np.testing.assert_allclose(data.votes, shares, atol=1e-4)
    np.testing.assert_allclose(data.votes.sum(axis=1), 1, atol=1e-12)
    assert not data.counted
    assert "Votes are shares (one soft answer each)" in data.summary()
    with pytest.raises(DataError, match=r"votes_k needs single votes, but the votes .* are shares"):
        data.require_counts("votes_k")
    assert load().counted


def test_columns_of_answers_without_ids_are_not_taken_for_people(load):
    answers = np.column_stack([LABELS, LABELS, 1 - LABELS])
    data = load(votes=None, annotator_labels=answers)
    assert data.annotations is None
    assert "3 columns of `annotator_labels` are taken as places for answers, not as people" in data.summary()
    assert load(votes=None, annotator_labels=answers, annotator_ids=np.arange(3)).annotations is not None


def test_nan_is_no_answer(load):
    answers = np.column_stack([LABELS, LABELS, LABELS]).astype(float)
    answers[0, 1:] = np.nan
    data = load(votes=None, annotator_labels=answers, annotator_ids=np.arange(3))
    assert data.votes.sum(axis=1).tolist() == [1] + [3] * 39


def test_names_that_answers_are_matched_by_are_unique(load, tmp_path):
    (tmp_path / "said.csv").write_text("item,annotator,label\nx,ann,0\ny,bob,1\n")
    ids = np.array(["x", "y", *map(str, range(N - 3)), "x"])
    options = {"annotations": str(tmp_path / "said.csv")}
    with pytest.raises(DataError, match="`item_ids` holds 'x' in rows 0 and 39"):
        load(options, votes=None, item_ids=ids)
    ids[-1] = "z"
    data = load(options, votes=None, item_ids=ids)
    assert data.votes[:2].tolist() == [[1, 0], [0, 1]]
    assert data.voted.sum() == 2
    with pytest.raises(DataError, match="`votes` is there beside answers from a file"):
        load(options, item_ids=ids)
    with pytest.raises(DataError, match="`item_ids` is missing"):
        load(options, votes=None)
