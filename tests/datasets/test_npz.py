import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError

FEATURES = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 0.5]])


def load(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return DATASETS.parse({"name": "npz", "path": str(folder / "mine.npz")}).load()


def test_features_with_votes(tmp_path):
    votes = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
    data = load(
        tmp_path,
        features=FEATURES.astype(np.float16),
        labels=np.array([0, 1, 1], np.uint8),
        votes=votes,
        groups=np.array(["north", "south", "north"]),
        item_ids=np.array(["x", "y", "z"]),
    )
    np.testing.assert_array_equal(data.inputs, FEATURES)
    assert (data.inputs.dtype, data.labels.dtype, data.votes.dtype) == (np.float32, np.int64, np.int64)
    np.testing.assert_array_equal(data.votes, votes)
    assert data.class_names == ("0", "1")
    assert data.crowd == "real"
    assert list(data.groups) == ["north", "south", "north"]
    assert list(data.item_ids) == ["x", "y", "z"]


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 1), (3, 4, 5, 3)])
def test_images_keep_their_channels_last(shape, tmp_path):
    images = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    data = load(tmp_path, images=images, labels=np.array([0, 1, 0]))
    assert data.inputs.shape == (*shape, 1)[:4]
    np.testing.assert_array_equal(data.inputs.reshape(shape), images)
    assert (data.votes, data.crowd) == (None, None)


def test_single_answers_are_counted(tmp_path):
    answers = np.array([[0, 2, -1], [1, -1, 1], [2, 2, 2]])
    data = load(
        tmp_path,
        features=FEATURES,
        labels=np.array([0, 1, 2]),
        annotator_labels=answers,
        annotator_ids=np.array(["zoe", "ann", "bob"]),
    )
    np.testing.assert_array_equal(data.votes, [[1, 0, 1], [0, 2, 0], [0, 0, 3]])
    a = data.annotations
    np.testing.assert_array_equal(a.item, [0, 0, 1, 1, 2, 2, 2])
    assert list(a.annotator_ids[a.annotator]) == ["zoe", "ann", "zoe", "bob", "zoe", "ann", "bob"]
    np.testing.assert_array_equal(a.label, [0, 2, 1, 1, 2, 2, 2])


def test_annotators_may_be_named_answer_by_answer(tmp_path):
    data = load(
        tmp_path,
        features=FEATURES,
        labels=np.array([0, 1, 1]),
        annotator_labels=np.array([[0, 1], [1, -1], [1, 1]]),
        annotator_ids=np.array([[7, 9], [9, 0], [8, 7]]),
    )
    a = data.annotations
    assert list(a.annotator_ids[a.annotator]) == [7, 9, 9, 8, 7]
    assert len(a.annotator_ids) == 3  # the padding's 0 is nobody


def test_a_simulated_crowd_is_named_so(tmp_path):
    np.savez(tmp_path / "mine.npz", features=FEATURES, labels=[0, 1, 1], votes=[[1, 0], [0, 1], [1, 1]])
    options = {"name": "npz", "path": str(tmp_path / "mine.npz"), "crowd": "simulated"}
    assert DATASETS.parse(options).load().crowd_name == "simulated crowd"


def test_a_relative_path_starts_at_the_current_folder(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", features=FEATURES, labels=[0, 1, 1])
    monkeypatch.chdir(tmp_path)
    assert len(DATASETS.parse({"name": "npz", "path": "mine.npz"}).load()) == 3


def test_a_missing_file_is_told_before_loading(tmp_path):
    dataset = DATASETS.parse({"name": "npz", "path": str(tmp_path / "none.npz")})
    assert "none.npz does not exist; correct `path`" in dataset.missing()
    with pytest.raises(DataError, match=r"none\.npz does not exist"):
        dataset.load()
    with pytest.raises(DataError, match="has no download"):
        dataset.fetch()


def test_images_for_testing_only(tmp_path):
    labels = np.arange(30) % 3
    arrays = {"features": np.eye(3)[labels], "labels": labels}
    data = load(tmp_path, **arrays, held_out=np.arange(30) >= 20)
    np.testing.assert_array_equal(data.held_out, np.arange(30) >= 20)
    for broken in (np.zeros(30), np.full(30, 2)):
        with pytest.raises(DataError, match=r"`held_out` must hold True or 1"):
            load(tmp_path, **arrays, held_out=broken)


def test_labels_from_a_table_of_their_own(tmp_path):
    np.savez(tmp_path / "mine.npz", features=FEATURES, item_ids=np.array(["x", "y", "z"]))
    (tmp_path / "gold.csv").write_text("item;label\ny;dog\nx;cat\nz;dog\nw;dog\n")
    options = {"name": "npz", "path": str(tmp_path / "mine.npz"), "labels": str(tmp_path / "gold.csv")}
    data = DATASETS.parse(options).load()
    assert [data.class_names[label] for label in data.labels] == ["cat", "dog", "dog"]
    assert any("'w' in line 5" in note for note in data.notes)
    np.savez(tmp_path / "mine.npz", features=FEATURES, item_ids=np.array(["x", "y", "z"]), labels=[0, 1, 1])
    with pytest.raises(DataError, match="`labels` is there beside labels from a file"):
        DATASETS.parse(options).load()


def test_tables_are_told_apart_by_what_they_are_for(tmp_path):
    np.savez(tmp_path / "mine.npz", features=FEATURES, item_ids=np.array(["x", "y", "z"]))
    (tmp_path / "said.csv").write_text("item,label\nx,cat\ny,dog\nz,dog\n")
    npz = {"name": "npz", "path": str(tmp_path / "mine.npz")}
    prints = {
        DATASETS.parse({**npz, role: str(tmp_path / "said.csv")}).fingerprint()
        for role in ("annotations", "labels")
    }
    assert len(prints) == 2
