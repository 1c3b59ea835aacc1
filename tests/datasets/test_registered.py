"""What holds for every dataset, and for the real ones where they are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedsoft.datasets import DATASETS, data_folder

REAL = [
    {"name": "cifar10h"},
    {"name": "cifar10h", "inputs": "images"},
    {"name": "cifar10n"},
    {"name": "ferplus"},
]


@pytest.fixture(params=REAL, ids=str)
def real(request, data_folder):
    dataset = DATASETS.parse(request.param)
    if reason := dataset.missing():
        pytest.skip(reason)
    return dataset.load()


def test_names():
    assert sorted(DATASETS.names()) == [
        *("answers", "cifar10h", "cifar10n", "digits", "ferplus", "folder", "lidc", "md_agreement"),
        *("music_genre", "npz"),
    ]


@pytest.mark.parametrize("name", DATASETS.names())
def test_options_round_trip(name):
    options = {"name": name, "path": "somewhere"} if name in ("answers", "npz", "folder") else {"name": name}
    dataset = DATASETS.parse(options)
    assert DATASETS.parse(dataset.dump()) == dataset


def test_crowds_whose_people_are_known(data_folder):
    music, tweets = DATASETS.parse("music_genre"), DATASETS.parse("md_agreement")
    if reason := music.missing() or tweets.missing():
        pytest.skip(reason)
    songs = music.load()
    assert (len(songs), len(songs.annotations.item), len(songs.annotations.annotator_ids)) == (1000, 2945, 44)
    right = songs.annotations.label == songs.labels[songs.annotations.item]
    assert right.mean() == pytest.approx(0.56, abs=0.005)
    np.testing.assert_array_equal(songs.voted, ~songs.held_out)
    assert songs.judges is None
    said = tweets.load()
    assert len(said.annotations.annotator_ids) == 819
    assert said.labels_are_majority
    assert said.people is None


def test_a_crowd_without_its_answers_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDSOFT_DATA", str(tmp_path))
    (tmp_path / "music-genre").mkdir()
    (tmp_path / "music-genre/music.npz").touch()
    assert "annotations.csv does not exist" in DATASETS.parse("music_genre").missing()


@pytest.mark.parametrize("name", ["cifar10h", "cifar10n", "ferplus", "md_agreement", "music_genre"])
def test_missing_names_the_file_and_the_mend(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FEDSOFT_DATA", str(tmp_path))
    reason = DATASETS.parse(name).missing()
    assert reason.startswith(str(tmp_path))
    assert "FEDSOFT_DATA" in reason


def test_the_folder_is_the_variable_or_the_cache(monkeypatch):
    monkeypatch.setenv("FEDSOFT_DATA", "/somewhere")
    assert data_folder() == Path("/somewhere")
    monkeypatch.delenv("FEDSOFT_DATA")
    assert data_folder() == Path.home() / ".cache" / "fedsoft"


def test_listing_datasets_imports_nothing_heavy():
    heavy = {"torch", "torchvision", "sklearn", "scipy", "PIL"}
    code = f"import fedsoft.datasets, sys; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_real_datasets_load_whole(real):
    assert real.crowd == "real"
    assert len(real.inputs) == len(real.labels) == len(real.votes) > 9_999
    assert real.votes.shape[1] == real.classes


def test_cifar10h_is_the_published_crowd(data_folder):
    dataset = DATASETS.parse("cifar10h")
    if reason := dataset.missing():
        pytest.skip(reason)
    data = dataset.load()
    total = data.votes.sum(axis=1)
    assert (total.min(), total.max()) == (47, 63)
    assert total.mean() == pytest.approx(51.1, abs=0.05)
    assert np.mean(data.votes.argmax(axis=1) == data.labels) == pytest.approx(0.9921, abs=1e-4)


def test_cifar10n_has_three_votes_and_a_sixth_of_them_wrong(data_folder):
    dataset = DATASETS.parse("cifar10n")
    if reason := dataset.missing():
        pytest.skip(reason)
    data = dataset.load()
    assert (data.votes.sum(axis=1) == 3).all()
    right = data.votes[np.arange(len(data)), data.labels].sum() / data.votes.sum()
    assert 1 - right == pytest.approx((0.1723 + 0.1812 + 0.1764) / 3, abs=0.005)  # Wei et al. 2022, table 1
    assert data.item_ids.min() == 25_000


def test_ferplus_labels_are_the_majority(data_folder):
    dataset = DATASETS.parse("ferplus")
    if reason := dataset.missing():
        pytest.skip(reason)
    data = dataset.load()
    np.testing.assert_array_equal(data.votes[np.arange(len(data)), data.labels], data.votes.max(axis=1))


def test_radiologists_are_embedded_with_their_attribution(tmp_path, monkeypatch):
    """Counts as the archive's readings give them, without a data folder."""
    monkeypatch.setenv("FEDSOFT_DATA", str(tmp_path))
    data = DATASETS.parse("lidc").load()
    assert data.inputs.shape == (1380, 15)
    assert set(data.votes.sum(axis=1)) == {3, 4}
    assert data.votes.sum() == 5036
    assert data.class_names[0] == "1 highly unlikely"
    assert data.class_names[-1] == "5 highly suspicious"
    assert (data.labels_are_majority, data.groups_are, data.noun) == (True, "people", "nodules")
    np.testing.assert_array_equal(data.votes[np.arange(1380), data.labels], data.votes.max(axis=1))
    assert "Armato" in data.attribution
    assert "CC BY 3.0" in data.summary()


def test_labels_of_registered_datasets_are_what_their_sources_say(real):
    assert real.labels_are_majority == (real.name == "ferplus")
    assert real.noun == {"ferplus": "faces"}.get(real.name, "images")
