"""What was damaged since it was written is told by name."""

import json

import numpy as np
import pytest

from fedsoft.errors import StoreError
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


@pytest.mark.parametrize("damage", [{"seconds": "x"}, {"targets": 3}, {"votes_bought": None}, {"crowd": ...}])
def test_records_that_are_none(tmp_path, damage):
    store, file = Store(tmp_path), tmp_path / "runs/a/run.json"
    record = {"engine": "e", "seconds": 1.0, "votes_bought": 0, "bytes_sent": 0, "privacy": {}, "targets": {}}
    record["crowd"] = None
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(record))
    assert store.record("a") == record
    changed = {name: value for name, value in {**record, **damage}.items() if value is not ...}
    file.write_text(json.dumps(changed))
    with pytest.raises(StoreError, match=r"run\.json is not the record of a run; delete it and run again"):
        store.record("a")
