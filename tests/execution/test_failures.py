"""A run that cannot be done is named, and the others end as they would have without it."""

from pathlib import Path

import numpy as np
import pytest

from fedsoft.execution import run as one_run
from fedsoft.execution import scoring
from fedsoft.execution.conduct import run_study
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.execution.superlink import flwr_run
from fedsoft.files import read_json
from fedsoft.study.opened import open_study

NETS = Path(__file__).parents[1] / "nets.py"
HALF_BAD = {
    "name": "half",
    "dataset": "digits",
    "sources": ["hard", "teacher"],
    "rivals": [{"source": "hard", "members": 2, "calibration": "temperature"}],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [8]},
    "rounds": 3,
    "seeds": [0],
    "scenario": {"clients": 3},
    "grid": {"training.lr": [0.1, 1e30]},
}
TOUCHY = {"model": {"name": "module", "factory": f"{NETS}:Touchy"}}
ALL_BAD = {  # runs of the bad cell
    "teacher half 0, fedavg, seed 0",
    "teacher half 1, fedavg, seed 0",
    "hard, fedavg, seed 0",
    "teacher, fedavg, seed 0",
    "hard, fedavg, seed 0, training 1",
    "hard + ensemble of 2, fedavg, seed 0",
    "hard + ensemble of 2 + temperature, fedavg, seed 0",
}


def quietly(study, engine="inprocess", workers=1):
    return run_study(study, engine, workers, lambda *_: None, lambda: False)


def models_of(study, cell):
    """The final models of a cell's runs and of those behind them, as bytes; fails where one is not done."""
    runs = {one.key: one for run in study.plan.cells[cell].runs for one in (*run.behind(), run)}
    return {key: (study.store.run_folder(key) / "model.npz").read_bytes() for key in runs}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The models of the good cell, where it is the only one."""
    table = {**HALF_BAD, "grid": {"training.lr": [0.1]}, "stack": 1}
    study = open_study(table, "half.toml", tmp_path_factory.mktemp("good"))
    assert quietly(study)
    return models_of(study, 0)


def check(study, good):
    """The bad cell failed, each run with its cause; the good one is as it would have been."""
    assert models_of(study, 0) == good
    failures = study.failures
    assert {failed.run.label() for failed in failures} == ALL_BAD
    assert all(failed.axes == {"training.lr": 1e30} for failed in failures)
    for failed in failures:
        folder = study.store.run_folder(failed.run.key)
        assert read_json(folder / "failed.json") == failed.failure
        assert not study.store.is_done(failed.run.key)
        assert not (folder / "model.npz").exists()
        assert "\n" not in failed.failure["message"]
        if failed.run.needs():
            assert failed.failure["message"].startswith("it needs a run that failed: ")
            assert failed.failure["round"] is None
        else:
            assert "diverged in round" in failed.failure["message"]
            assert failed.failure["type"] == "RoundError"
            assert failed.failure["round"] in (1, 2, 3)
            assert failed.failure["client"] in (0, 1, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_divergence_ends_its_runs_and_those_made_of_them(tmp_path, good, workers):
    study = open_study({**HALF_BAD, "stack": 1}, "half.toml", tmp_path)
    assert quietly(study, workers=workers)
    check(study, good)


@pytest.mark.slow
def test_on_ray_and_under_flwr_run(tmp_path, good):
    for engine, workers in (("inprocess", "ray"), ("ray", 2)):
        study = open_study({**HALF_BAD, "stack": 1}, "half.toml", tmp_path / f"{engine} {workers}")
        assert quietly(study, engine, workers)
        check(study, good)
    file = tmp_path / "half.toml"
    file.write_text(
        'name = "half"\ndataset = "digits"\nsources = ["hard", "teacher"]\nstrategies = ["fedavg"]\n'
        'rivals = [{ source = "hard", members = 2, calibration = "temperature" }]\n'
        'model = { name = "mlp", hidden = [8] }\nrounds = 3\nseeds = [0]\nscenario = { clients = 3 }\n'
        'grid = { "training.lr" = [0.1, 1e30] }\n'
    )
    there = open_study(HALF_BAD, "half.toml", tmp_path / "flwr")
    flwr_run(Path(__file__).parents[2], file, tmp_path / "flwr", 3, workers=2)
    check(there, good)


def test_a_rerun_tries_again_what_failed_and_nothing_else(tmp_path, good):
    study = open_study({**HALF_BAD, "stack": 1}, "half.toml", tmp_path)
    quietly(study)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    told = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/failed.json")}
    assert {run.label() for run in study.open_runs} == ALL_BAD
    assert quietly(study)
    check(study, good)
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    assert all(path.stat().st_mtime_ns > before for path, before in told.items())


@pytest.mark.parametrize("stack", [1, 64])
def test_a_client_that_raises_among_runs_in_lockstep(tmp_path, stack):
    """The runs of one group: their clients share a tensor program until one of them raises."""
    table = {**HALF_BAD, **TOUCHY, "sources": ["hard"], "rivals": [], "seeds": [0, 1], "grid": {}}
    study = open_study(table, "half.toml", tmp_path / "both")
    alone = open_study(table, "half.toml", tmp_path / "alone")
    good, other = study.plan.runs
    bad = other.model_copy(update={"usual_training": other.training.model_copy(update={"lr": 1e30})})
    failed = []
    execute_together(
        [bad, good, other], study.store, stack, "cpu", Hooks(failed=lambda run: failed.append(run))
    )
    assert failed == [bad]
    failure = study.store.failure(bad.key)
    message = "client 0 failed in round 1: ValueError: too heavy to lift (3 of 3 clients failed)"
    assert failure["message"] == message
    assert (failure["client"], failure["round"]) == (0, 1)
    assert "nets.py" in failure["traceback"]
    execute_together([good, other], alone.store, stack, "cpu")
    for run in (good, other):
        made, same = study.store.predictions(run.key)["test"], alone.store.predictions(run.key)["test"]
        np.testing.assert_allclose(made, same, rtol=0, atol=0 if stack == 1 else 1e-4)


@pytest.mark.parametrize("when", [0, 2])
def test_a_model_that_cannot_be_scored_among_others(tmp_path, monkeypatch, when):
    table = {**HALF_BAD, "sources": ["hard"], "rivals": [], "seeds": [0, 1], "grid": {}}
    study = open_study(table, "half.toml", tmp_path)
    bad, good = study.plan.runs
    usual = scoring._predicted

    def predicted(asked):
        if any(one.prepared.settings.key == bad.key and one.result.number == when for one in asked):
            raise RuntimeError("no more")
        return usual(asked)

    monkeypatch.setattr(scoring, "_predicted", predicted)
    execute_together([bad, good], study.store, 64, "cpu")
    failure = study.store.failure(bad.key)
    assert failure["message"] == f"the model of round {when} cannot be scored: RuntimeError: no more"
    assert failure["round"] == when
    assert study.store.is_done(good.key)


def test_a_failed_run_goes_on_from_its_checkpoint_and_ends_with_the_same_bits(tmp_path, monkeypatch, models):
    table = {**HALF_BAD, "sources": ["hard"], "rivals": [], "grid": {}, "stack": 1}
    whole = open_study(table, "half.toml", tmp_path / "whole")
    quietly(whole)
    study = open_study(table, "half.toml", tmp_path / "parts")
    monkeypatch.setattr(one_run, "CHECKPOINT_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        usual = one_run.play_round

        def play_round(strategy, grid, state, *rest):
            if state.number == 2:
                raise OSError("a disk is gone")
            return usual(strategy, grid, state, *rest)

        patch.setattr(one_run, "play_round", play_round)
        assert quietly(study)
    (failed,) = study.failures
    assert failed.failure["message"] == "OSError: a disk is gone"
    seen = []
    assert run_study(study, "inprocess", 1, lambda run, figures: seen.append(figures["round"]), lambda: False)
    assert seen == [3]
    assert study.failures == []
    assert models(tmp_path / "parts") == models(tmp_path / "whole")


def test_interrupted_is_not_failed(tmp_path):
    study = open_study({**HALF_BAD, "grid": {}}, "half.toml", tmp_path)
    with pytest.raises(Interrupted):
        execute_together(study.plan.phases[0], study.store, 1, "cpu", Hooks(stop=lambda: True))
    assert study.failures == []
