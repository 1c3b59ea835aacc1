import hashlib
import io

import numpy as np
import pytest

from fedsoft.datasets import DATASETS, cifar10h
from fedsoft.datasets.download import download
from fedsoft.errors import DataError

VOTES = np.array([[3, 0], [1, 2], [0, 4]])
PICTURES = {
    "images": np.arange(3 * 32 * 32 * 3, dtype=np.uint8).reshape(3, 32, 32, 3),
    "labels": np.array([0, 1, 1]),
    "class_names": np.array(["cat", "dog"]),
}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small stand-in for the two downloads; returns the empty data folder."""
    buffer = io.BytesIO()
    np.save(buffer, VOTES)
    file = tmp_path / "counts.npy"
    file.write_bytes(buffer.getvalue())
    monkeypatch.setattr(cifar10h, "VOTES_URL", file.as_uri())
    monkeypatch.setattr(cifar10h, "VOTES_SHA256", hashlib.sha256(buffer.getvalue()).hexdigest())
    monkeypatch.setattr(cifar10h, "_test_images", lambda folder: dict(PICTURES))
    monkeypatch.setenv("FEDSOFT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_fetch_stores_pictures_and_votes(published):
    dataset = DATASETS.parse({"name": "cifar10h", "inputs": "images"})
    assert "fetch" in dataset.missing()
    dataset.fetch()
    assert dataset.missing() is None
    data = dataset.load()
    np.testing.assert_array_equal(data.inputs, PICTURES["images"])
    np.testing.assert_array_equal(data.votes, VOTES)
    assert data.class_names == ("cat", "dog")
    assert [file.name for file in (published / "cifar10h").iterdir()] == ["cifar10h.npz"]


def test_fetch_leaves_what_is_there(published, monkeypatch):
    dataset = DATASETS.parse({"name": "cifar10h", "inputs": "images"})
    dataset.fetch()
    monkeypatch.setattr(cifar10h, "VOTES_URL", "file:///nowhere")
    dataset.fetch()


def test_votes_of_another_content_are_refused(published, monkeypatch):
    monkeypatch.setattr(cifar10h, "VOTES_SHA256", "0" * 64)
    dataset = DATASETS.parse({"name": "cifar10h", "inputs": "images"})
    with pytest.raises(DataError, match="does not have the expected content"):
        dataset.fetch()
    assert dataset.missing()


def test_pictures_that_do_not_match_the_votes_are_refused(published, monkeypatch):
    fewer = {**PICTURES, "images": PICTURES["images"][:2], "labels": PICTURES["labels"][:2]}
    monkeypatch.setattr(cifar10h, "_test_images", lambda folder: fewer)
    with pytest.raises(DataError, match="`votes` has 3 rows where `labels` has 2"):
        DATASETS.parse({"name": "cifar10h", "inputs": "images"}).fetch()


def test_features_have_no_download(published):
    with pytest.raises(DataError, match=r'has no download: .* inputs = "images"'):
        DATASETS.parse("cifar10h").fetch()


def test_an_unreachable_url_says_so(tmp_path):
    with pytest.raises(DataError, match="cannot be downloaded"):
        download((tmp_path / "none").as_uri(), "")


def test_torchvision_reads_the_test_images_in_order(tmp_path, monkeypatch):
    import torchvision

    class Published:
        def __init__(self, root, train, download):
            assert not train
            assert download
            self.data, self.targets, self.classes = PICTURES["images"], [0, 1, 1], ["cat", "dog"]

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Published)
    arrays = cifar10h._test_images(tmp_path)
    for name, array in PICTURES.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_the_published_votes_have_the_pinned_content(data_folder):
    if reason := DATASETS.parse("cifar10h").missing():
        pytest.skip(reason)
    buffer = io.BytesIO()
    np.save(buffer, DATASETS.parse("cifar10h").load().votes)
    assert hashlib.sha256(buffer.getvalue()).hexdigest() == cifar10h.VOTES_SHA256
