"""Whole runs under masks: what they learn, how they are resumed, and that no engine makes a difference."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedsoft.execution.conduct import run_study
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.execution.superlink import flwr_run
from fedsoft.federation import together
from fedsoft.scenarios import Fate
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

SUMS = {
    "name": "sums",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg", {"name": "fedadam", "eta": 0.1}],
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"lr": 0.5, "batch_size": 8},
    "rounds": 4,
    "seeds": [0],
    "scenario": {"clients": 20, "participation": 0.5},
    "privacy": {"secure_sum": {}},
}
MISHAPS = {"dropped": 0.1, "late": 0.1, "failing": 0.05}


def predictions(study):
    return [study.store.predictions(run.key)["test"] for run in study.plan.runs]


def test_runs_learn_what_they_learn_without(tmp_path, run):
    summed = run(open_study(SUMS, "sums.toml", tmp_path / "sums"))
    plain = run(open_study({**SUMS, "privacy": None}, "sums.toml", tmp_path / "plain"))
    assert {one.key for one in summed.plan.runs}.isdisjoint(one.key for one in plain.plan.runs)
    for made, same in zip(predictions(summed), predictions(plain), strict=True):
        np.testing.assert_allclose(made, same, rtol=0, atol=2e-4)
        assert np.abs(made - 0.1).mean() > 0.02
    for some in zip(summed.plan.runs, plain.plan.runs, strict=True):
        records = [study.store.record(one.key) for study, one in zip((summed, plain), some, strict=True)]
        assert records[0]["bytes_sent"] > records[1]["bytes_sent"]


def test_too_few_left_is_one_error_and_the_run_goes_on(tmp_path, run):
    """Each attempt at a round has other fates; how often a run failed in between changes none of its bits."""
    table = {**SUMS, "scenario": {"clients": 10, "mishaps": {**MISHAPS, "dropped": 0.15}}}
    studies, tries = [open_study(table, "sums.toml", tmp_path / name) for name in ("one", "two")], []
    failed_rounds: set[tuple[str, int]] = set()
    for study, stack in zip(studies, (1, 2), strict=True):
        rounds: list[float] = []
        hooks = Hooks(after_round=lambda run, figures, rounds=rounds: rounds.append(figures["round"]))
        while run(study, stack, hooks=hooks).failures:
            tries.append(study)
            assert len(tries) < 20
            for failed in study.failures:
                failed_rounds.add((failed.run.key, failed.failure["round"]))
                assert (failed.failure["type"], failed.failure["client"]) == ("RoundError", None)
                assert "clients are left to be summed, and 7 are needed" in failed.failure["message"]
                assert "run again to try the round again" in failed.failure["message"]
                saved = study.store.checkpoint(failed.run.key)
                assert saved[1]["round"] == failed.failure["round"] - 1
        assert sorted(rounds) == sorted([1, 2, 3, 4] * 2)  # none was done twice
    assert len(tries) >= 2
    for made in study.plan.runs:  # the rounds after one that was tried again have their first fates
        task = prepare(made, study.store, "cpu").task
        for figures in study.store.rounds(made.key)[1:]:
            number = int(figures["round"])
            fates = task.fates(number)[task.cohort(number)]
            if (made.key, number) not in failed_rounds:
                assert figures["dropped"] == (fates == Fate.DROPPED).sum()
                assert figures["late"] == (fates == Fate.LATE).sum()
    for made, same in zip(*map(predictions, studies), strict=True):
        np.testing.assert_allclose(made, same, rtol=0, atol=2e-4)


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path, run, models):
    table = {**SUMS, "scenario": {**SUMS["scenario"], "participation": 1.0, "mishaps": {"late": 0.1}}}
    run(open_study(table, "sums.toml", tmp_path / "whole"), 1)
    study, seen = open_study(table, "sums.toml", tmp_path / "parts"), []
    hooks = Hooks(after_round=lambda *told: seen.append(told), stop=lambda: len(seen) == 2)
    with pytest.raises(Interrupted):
        run(study, 1, hooks=hooks)
    run(study, 1)
    assert len(models(tmp_path / "whole")) == 2
    assert models(tmp_path / "parts") == models(tmp_path / "whole")


def test_runs_with_and_without_masks_advance_together(tmp_path, monkeypatch, models):
    """All clients with masks train as one program in a round, and each run ends as it does alone."""
    study = open_study({**SUMS, "strategies": ["fedavg"], "seeds": [0, 1]}, "sums.toml", tmp_path / "both")
    masked, other = study.plan.runs
    bare = masked.model_copy(update={"privacy": None})
    alone = replace(study, store=type(study.store)(tmp_path / "alone"))
    for one in (masked, other, bare):
        execute_together([one], alone.store, 1, "cpu")
    execute_together([masked, bare, other], study.store, 1, "cpu")
    assert models(tmp_path / "both") == models(tmp_path / "alone")
    sizes, usual = [], together.answer
    monkeypatch.setattr(together, "answer", lambda asked: sizes.append(len(asked)) or usual(asked))
    again = open_study(SUMS, "sums.toml", tmp_path / "again")
    execute_together([masked, bare, other], again.store, "all", "cpu")
    assert sizes == [20] * 4
    for one in (masked, other, bare):
        made, same = (store.predictions(one.key)["test"] for store in (again.store, alone.store))
        np.testing.assert_allclose(made, same, rtol=0, atol=2e-4)


def test_teachers_are_summed_too(tmp_path, run):
    table = {**SUMS, "sources": ["teacher"], "strategies": ["fedavg"], "rounds": 1}
    study = run(open_study(table, "sums.toml", tmp_path))
    teachers = [one for made in study.plan.runs for one in made.teachers()]
    assert [study.store.is_done(one.key) for one in teachers] == [True, True]


@pytest.mark.slow
def test_on_ray_and_under_flwr_run(tmp_path, models):
    table = {**SUMS, "rounds": 2, "scenario": {"clients": 6, "mishaps": {"late": 0.1}}, "stack": 1}
    study = open_study(table, "sums.toml", tmp_path / "inprocess")
    assert run_study(study, "inprocess", 1, lambda *_: None, lambda: False)
    there = open_study(table, "sums.toml", tmp_path / "ray")
    assert run_study(there, "ray", 2, lambda *_: None, lambda: False)
    assert models(tmp_path / "ray") == models(tmp_path / "inprocess")
    file = tmp_path / "sums.toml"
    file.write_text(
        'name = "sums"\ndataset = "digits"\nsources = ["hard"]\n'
        'strategies = ["fedavg", { name = "fedadam", eta = 0.1 }]\n'
        'model = { name = "mlp", hidden = [16] }\nrounds = 2\nseeds = [0]\n'
        "privacy = { secure_sum = {} }\ntraining = { lr = 0.5, batch_size = 8 }\n"
        "scenario = { clients = 6, mishaps = { late = 0.1 } }\n"
    )
    flwr_run(Path(__file__).parents[3], file, tmp_path / "flwr", 6, workers=2)
    assert models(tmp_path / "flwr") == models(tmp_path / "inprocess")
