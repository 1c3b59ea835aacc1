"""What a search reads of its runs, against their own files."""

import numpy as np
import pytest

from fedsoft.execution.search import own_loss, searching, tried
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study


@pytest.fixture(scope="module")
def searched(tmp_path_factory, run):
    table = {
        "name": "small",
        "dataset": "digits",
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 2,
        "seeds": [0],
        "scenario": {"clients": 3},
    }
    table = searching(table, "training.lr", [0.01, 0.3], [7, 8])
    return run(open_study(table, "small.toml", tmp_path_factory.mktemp("search")))


def test_every_value_by_arm_seed_and_round(searched):
    found = tried(searched, "training.lr")
    assert [(one.value, one.arm) for one in found] == [
        (0.01, "hard"),
        (0.01, "human_soft"),
        (0.3, "hard"),
        (0.3, "human_soft"),
    ]
    last = searched.plan.cells[1].runs
    assert {run.seed for run in last} == {7, 8}
    kept = [searched.store.rounds(run.key)[2]["brier"] for run in last if run.arm.label() == "hard"]
    assert found[2].brier.shape == (2, 3)
    assert found[2].brier[:, 2].tolist() == kept
    assert found[2].nll[:, 2].mean() < found[0].nll[:, 2].mean()  # one of the rates hardly trains


def test_models_are_judged_as_they_are_kept(tmp_path, run, searched):
    """The last round's, or the best round's where training stops by validation: which is none of the last."""
    assert [one.kept.tolist() for one in tried(searched, "training.lr")] == [
        one.nll[:, -1].tolist() for one in tried(searched, "training.lr")
    ]
    table = {
        "name": "stopped",
        "dataset": "digits",
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 8,
        "seeds": [0],
        "scenario": {"clients": 3},
        "training": {"stop": "best_validation", "batch_size": 1},
    }
    study = run(open_study(searching(table, "training.lr", [3.0], [7]), "s.toml", tmp_path))
    (found,) = tried(study, "training.lr")
    number = study.store.record(study.plan.runs[0].key)["round_kept"]
    assert number < 8
    assert found.kept.tolist() == [found.nll[0, number]]


def test_own_labels_are_peoples_where_targets_are(searched):
    hard, soft = (run for run in searched.plan.cells[0].runs if run.seed == 7)
    data = load_dataset(hard.dataset)
    for run, label in (
        (hard, np.eye(10)[data.labels]),
        (soft, data.votes / data.votes.sum(1, keepdims=True)),
    ):
        made = searched.store.predictions(run.key)
        expected = -np.mean(np.sum(label[made["validation_rows"]] * np.log(made["validation"]), axis=1))
        assert own_loss(run, searched.store) == pytest.approx(expected, rel=1e-6)


def test_values_of_which_a_run_is_missing_are_left_out(searched):
    gone = searched.plan.cells[0].runs[0]
    file = searched.store.run_folder(gone.key) / "run.json"
    kept = file.read_bytes()
    file.unlink()
    assert {one.value for one in tried(searched, "training.lr")} == {0.3}
    file.write_bytes(kept)
