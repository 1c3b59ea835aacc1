"""What was damaged since it was written is told by name."""

import hashlib
import json
import os

import numpy as np
import pytest

from fedsoft import files
from fedsoft.errors import StoreError
from fedsoft.study.opened import open_study
from fedsoft.study.seal import FILES
from fedsoft.study.store import Store

ROUND = {"round": 0, "train_loss": 1.0, "cohort": 2, "nll": 0.5}


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        None,
        3,
        ["round"],
        [[0, 1.0]],
        [{"round": 0}],
        [ROUND, {**ROUND, "brier": 0.1}],
        [{**ROUND, "nll": "0.5"}],
        [{**ROUND, "nll": None}],
    ],
)
def test_rounds_that_are_none(tmp_path, content):
    store, file = Store(tmp_path), tmp_path / "runs/a/rounds.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"rounds\.json holds no figures of rounds; delete it and run again"):
        store.rounds("a")


def test_a_first_round_has_no_loss_of_training(tmp_path):
    store, file = Store(tmp_path), tmp_path / "runs/a/rounds.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps([{**ROUND, "train_loss": float("nan")}, ROUND]))
    assert len(store.rounds("a")) == 2


PREDICTIONS = {
    "test": np.full((4, 2), 0.5, np.float32),
    "test_rows": np.arange(4, dtype=np.int32),
    "test_client": np.zeros(4, np.int32),
}


@pytest.mark.parametrize(
    "damage",
    [
        {"test": None},
        {"test_rows": None},
        {"test_client": None},
        {"test": np.full((4, 2), np.nan)},
        {"test": np.full((4, 2), -1.0)},
        {"test": np.full(4, 0.5)},
        {"test": np.array([["a", "b"]] * 4)},
        {"test_rows": np.arange(3)},
        {"test_rows": np.arange(4) - 1},
        {"test_rows": np.arange(4) / 2},
        {"validation": np.full((2, 2), 0.5)},
    ],
)
def test_predictions_that_are_none(tmp_path, damage):
    store, file = Store(tmp_path), tmp_path / "runs/a/predictions.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, **PREDICTIONS)
    assert store.predictions("a", ["test"]).keys() == store.predictions("a").keys() == PREDICTIONS.keys()
    np.savez(file, **{name: array for name, array in {**PREDICTIONS, **damage}.items() if array is not None})
    with pytest.raises(StoreError, match=r"predictions\.npz does not hold a run's predictions; delete"):
        store.predictions("a")


RECORD = {
    "engine": "e",
    "seconds": 1.5,
    "privacy": {"label privacy": float("inf")},
    "targets": {"entropy": 0.2},
}


@pytest.fixture
def store(tiny, tmp_path):
    """A store with one finished run, ``key``, that was never trained."""
    settings = open_study(tiny, "tiny.toml", tmp_path / "study").plan.runs[0]
    store = Store(tmp_path)
    store.save_settings(settings)
    store.finish(settings.key, RECORD, [ROUND], {"w": np.ones(3)}, PREDICTIONS)
    store.__dict__["key"] = settings.key
    return store


def test_what_finished_is_done_and_tells_its_record(store):
    assert store.is_done(store.key)
    assert store.damage(store.key) is None
    assert store.record(store.key) == RECORD
    written = json.loads((store.run_folder(store.key) / "run.json").read_text())["files"]
    for name in ("settings.json", "model.npz", "predictions.npz", "rounds.json"):
        content = (store.run_folder(store.key) / name).read_bytes()
        assert written[name] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", [*FILES, "run.json"])
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied", "pipe", "folder"])
def test_a_run_whose_files_are_not_its_own_is_not_done(store, name, how):
    file = store.run_folder(store.key) / name
    content = file.read_bytes()
    if how in ("pipe", "folder"):
        file.unlink()
        (os.mkfifo if how == "pipe" else os.mkdir)(file)
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        file.write_bytes({"flipped": flipped, "cut": content[:middle], "emptied": b""}[how])
    assert not store.is_done(store.key)
    assert store.finished() == []
    told = store.damage(store.key)
    assert str(file) in told
    assert told.endswith(": the run counts as not done; run the study again to mend it.")
    with pytest.raises(StoreError, match="counts as not done"):
        store.record(store.key)
    if how not in ("pipe", "folder"):
        file.write_bytes(content)
        assert store.is_done(store.key)


@pytest.mark.parametrize("name", FILES)
def test_a_run_that_lacks_a_file_is_not_done(store, name):
    (store.run_folder(store.key) / name).unlink()
    assert not store.is_done(store.key)
    assert f"{name} is gone" in store.damage(store.key)


def test_a_run_without_a_record_was_never_done(store):
    (store.run_folder(store.key) / "run.json").unlink()
    assert not store.is_done(store.key)
    assert store.damage(store.key) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["privacy"].clear(),
        lambda record: record["targets"].pop("entropy"),
        lambda record: record.update(targets=3),
        lambda record: record.pop("engine"),
        lambda record: record.pop("files"),
        lambda record: record.update(files=[]),
        lambda record: record.update(files={}),
        lambda record: record["files"].pop("run.json"),
        lambda record: record["files"].pop("model.npz"),
        lambda record: record["files"].update({"model.npz": 3}),
        lambda record: record.update(more=1),
    ],
)
def test_records_that_are_none(store, change):
    file = store.run_folder(store.key) / "run.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))
    assert not store.is_done(store.key)
    with pytest.raises(StoreError, match=r"run\.json is not the record of a run: .* run the study again"):
        store.record(store.key)


@pytest.mark.parametrize("text", ["[]", "3", "null", "{", "[" * 100_000])
def test_what_is_no_record_at_all(store, text):
    (store.run_folder(store.key) / "run.json").write_text(text)
    assert not store.is_done(store.key)


def test_contents_are_read_once(store, monkeypatch):
    """Whether runs are done is asked all the time."""
    assert store.is_done(store.key)
    monkeypatch.setattr(files.hashlib, "file_digest", lambda *_: 1 / 0)
    assert store.is_done(store.key)
    assert store.finished() == [store.key]


FAILURE = {"label": "hard", "client": 3, "round": None, "message": "no", "type": "E", "traceback": ""}


def test_a_failure_is_told_until_the_run_is_begun_again_or_done(store, tiny, tmp_path):
    one, other = open_study(tiny, "tiny.toml", tmp_path / "study").plan.runs[1:3]
    for run in (one, other):
        store.save_settings(run)
        assert store.failure(run.key) is None
        store.fail(run.key, FAILURE)
        assert store.failure(run.key) == FAILURE
        assert not store.is_done(run.key)
    store.save_settings(one)
    assert store.failure(one.key) is None
    store.finish(other.key, RECORD, [ROUND], {"w": np.ones(3)}, PREDICTIONS)
    assert store.failure(other.key) is None


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", json.dumps({**FAILURE, "client": "3"}), json.dumps({**FAILURE, "message": 3})]
)
def test_a_failure_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "runs/a").mkdir(parents=True)
    (tmp_path / "runs/a/failed.json").write_text(text)
    assert Store(tmp_path).failure("a") is None


def test_damaged_settings_are_written_anew(store, tiny, tmp_path):
    settings = open_study(tiny, "tiny.toml", tmp_path / "study").plan.runs[0]
    (store.run_folder(store.key) / "settings.json").write_text("{}")
    store.save_settings(settings)
    assert store.settings(store.key).key == settings.key
