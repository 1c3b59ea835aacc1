"""What was damaged since it was written is told by name."""

import json

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
