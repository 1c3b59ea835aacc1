"""An interrupted study goes on where it stopped, and ends with the same bits."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from fedsoft.execution import run as one_run
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study

SCRIPT = """
import json, sys
from pathlib import Path
from fedsoft.execution import run
run.CHECKPOINT_SECONDS = 0.0
from fedsoft.execution.run import Hooks
from fedsoft.execution.processes import InProcess
from fedsoft.study.opened import open_study
study = open_study(json.loads(sys.argv[1]), "tiny.toml", Path(sys.argv[2]))
hooks = Hooks(lambda run, figures: print("round", flush=True))
InProcess(study.store, "cpu", 1).run(study.plan.open(study.store), hooks)
"""


def test_stopped_at_any_round_and_continued(tiny, finished, tmp_path, run, models):
    stopped = 0
    while True:
        study, seen = open_study(tiny, "tiny.toml", tmp_path), []
        hooks = Hooks(
            lambda settings, figures, seen=seen: seen.append(figures["round"]),
            lambda seen=seen: len(seen) >= 4,
        )
        try:
            run(study, stack=1, hooks=hooks)
            break
        except Interrupted:
            stopped += 1
    assert stopped > 5
    assert models(tmp_path) == models(finished.store.root)
    for one in finished.plan.runs:
        assert [f["round"] for f in study.store.rounds(one.key)] == [0, 1, 2, 3]
        assert str(study.store.rounds(one.key)) == str(finished.store.rounds(one.key))
    assert not list(tmp_path.glob("runs/*/checkpoint.npz"))


def test_the_best_round_is_kept_through_interruptions(tiny, tmp_path, run, models):
    """Two of four skewed clients a round at a high learning rate: the curve goes up and down."""
    tiny |= {"sources": ["hard"], "strategies": ["fedavg"], "rounds": 8}
    tiny["training"] = {"lr": 1.0, "epochs": 3, "stop": "best_validation"}
    whole = run(open_study(tiny, "tiny.toml", tmp_path / "whole"), stack=1)
    kept = set()
    for one in whole.plan.runs:
        nll = [figures["nll"] for figures in whole.store.rounds(one.key)]
        kept.add(whole.store.record(one.key)["round_kept"])
        assert whole.store.record(one.key)["round_kept"] == np.argmin(nll)
        made, labels = whole.store.predictions(one.key), load_dataset(one.dataset).labels
        p = made["validation"][np.arange(len(made["validation"])), labels[made["validation_rows"]]]
        assert -np.log(p).mean() == pytest.approx(min(nll), abs=1e-5)
    assert kept & set(range(1, 8))
    for _ in range(20):
        study, seen = open_study(tiny, "tiny.toml", tmp_path / "parts"), []
        hooks = Hooks(lambda settings, figures, seen=seen: seen.append(1), lambda seen=seen: len(seen) > 0)
        with contextlib.suppress(Interrupted):
            run(study, stack=1, hooks=hooks)
            break
    assert models(tmp_path / "parts") == models(tmp_path / "whole")


def test_a_map_of_the_training_examples_survives_interruptions(tiny, tmp_path, run):
    tiny |= {"sources": ["hard", "teacher"], "strategies": ["fedavg"], "cartography": True}
    whole = run(open_study(tiny, "tiny.toml", tmp_path / "whole"), stack=1)
    stopped = 0
    for _ in range(20):
        study, seen = open_study(tiny, "tiny.toml", tmp_path / "parts"), []
        hooks = Hooks(lambda settings, figures, seen=seen: seen.append(1), lambda seen=seen: len(seen) > 0)
        try:
            run(study, stack=1, hooks=hooks)
            break
        except Interrupted:
            stopped += 1
    assert stopped > 4
    for one in whole.plan.runs:
        made, again = whole.store.predictions(one.key), study.store.predictions(one.key)
        assert {"train_rows", "cartography_confidence"} <= made.keys()
        assert {name: array.tobytes() for name, array in made.items()} == {
            name: array.tobytes() for name, array in again.items()
        }


def test_killed_half_way_and_continued(tiny, finished, tmp_path, run, models):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(tiny), str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for _ in range(23):  # in the middle of a run
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(tmp_path.glob("runs/*/run.json")))
    assert 0 < done < 20
    run(open_study(tiny, "tiny.toml", tmp_path), stack=1)
    assert models(tmp_path) == models(finished.store.root)


def change(state, **changes):
    return {name: value for name, value in {**state, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays, state: (arrays, []),
        lambda arrays, state: (arrays, change(state, round=None)),
        lambda arrays, state: (arrays, change(state, round=99)),
        lambda arrays, state: (arrays, change(state, round=-1)),
        lambda arrays, state: (arrays, change(state, round="1")),
        lambda arrays, state: (arrays, change(state, kept=-1)),
        lambda arrays, state: (arrays, change(state, rounds=state["rounds"][:1])),
        lambda arrays, state: (arrays, change(state, strategy={})),
        lambda arrays, state: (arrays, change(state, strategy=3)),
        lambda arrays, state: (arrays, change(state, seconds="soon")),
        lambda arrays, state: ({n: a for n, a in arrays.items() if "weight" not in n}, state),
        lambda arrays, state: ({n: a[..., :1] for n, a in arrays.items()}, state),
        lambda arrays, state: ({n: a * np.nan for n, a in arrays.items()}, state),
    ],
)
def test_a_checkpoint_of_the_wrong_shape_is_left_aside(tiny, finished, tmp_path, run, models, damage):
    study = open_study(tiny, "tiny.toml", tmp_path)
    seen = []
    with pytest.raises(Interrupted):
        run(study, stack=1, hooks=Hooks(lambda settings, figures: seen.append(settings.key), lambda: True))
    arrays, state = damage(*study.store.checkpoint(seen[0]))
    study.store.save_checkpoint(seen[0], arrays, state)
    run(study, stack=1)
    assert models(tmp_path) == models(finished.store.root)
    assert [f["round"] for f in study.store.rounds(seen[0])] == [0, 1, 2, 3]


def test_a_damaged_checkpoint_is_left_aside(tiny, finished, tmp_path, run, models):
    study = open_study(tiny, "tiny.toml", tmp_path)
    for one in study.plan.runs:
        folder = study.store.run_folder(one.key)
        folder.mkdir(parents=True)
        (folder / "checkpoint.npz").write_bytes(b"PK damaged")
    run(study, stack=1)
    assert models(tmp_path) == models(finished.store.root)


def test_a_checkpoint_is_written_about_every_thirty_seconds(tiny, tmp_path, run, monkeypatch):
    monkeypatch.setattr(one_run, "CHECKPOINT_SECONDS", 0.0)
    study, saved = open_study(tiny, "tiny.toml", tmp_path), []

    def watch(settings, figures):
        saved.append(study.store.checkpoint(settings.key) is not None)

    run(study, hooks=Hooks(watch))
    assert saved[:3] == [False, True, True]  # after round 1 there is one from then on


def test_a_changed_study_runs_only_what_is_new(tiny, tmp_path, run):
    first = run(open_study(tiny, "tiny.toml", tmp_path))
    assert not first.open_runs
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    tiny["sources"] = [*tiny["sources"], "mass_only"]
    changed = open_study(tiny, "tiny.toml", tmp_path)
    assert {one.source.label() for one in changed.open_runs} == {"mass_only"}
    run(changed)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    assert len(after) == 20 + 4
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    "change",
    [
        {"rounds": 4},
        {"training": {"lr": 0.2}},
        {"folds": 4},
        {"privacy": {"labels": {"name": "randomized_response", "epsilon": 1.0}}},
        {"cartography": True},
        {"precision": "tf32"},
    ],
)
def test_what_changes_numbers_changes_keys(tiny, tmp_path, change):
    tiny["sources"] = tiny["sources"][:3]
    keys = {run.key for run in open_study(tiny, "tiny.toml", tmp_path).plan.runs}
    assert not keys & {run.key for run in open_study(tiny | change, "tiny.toml", tmp_path).plan.runs}


@pytest.mark.parametrize(
    "change", [{"name": "other"}, {"stack": 1}, {"tuned": "by hand"}, {"description": "?"}]
)
def test_what_changes_no_number_keeps_keys(tiny, tmp_path, change):
    keys = [run.key for run in open_study(tiny, "tiny.toml", tmp_path).plan.runs]
    assert keys == [run.key for run in open_study(tiny | change, "tiny.toml", tmp_path).plan.runs]


def test_changed_data_at_the_same_path_are_new_runs(tmp_path, run):
    file = tmp_path / "data.npz"
    labels = np.arange(60) % 3
    study = {
        "name": "own",
        "dataset": {"name": "npz", "path": str(file)},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "scenario": {"clients": 2},
    }
    np.savez(file, features=np.eye(3)[labels], labels=labels)
    run(open_study(study, "own.toml", tmp_path / "out"))
    assert not open_study(study, "own.toml", tmp_path / "out").open_runs
    moved = file.rename(tmp_path / "moved.npz")
    study["dataset"]["path"] = str(moved)
    assert not open_study(study, "own.toml", tmp_path / "out").open_runs  # the same data elsewhere
    np.savez(moved, features=np.eye(3)[labels] + 1, labels=labels)
    assert len(open_study(study, "own.toml", tmp_path / "out").open_runs) == 1
