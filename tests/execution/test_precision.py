"""How exactly a card multiplies is a setting of runs, and never silent."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from fedsoft.errors import EngineError, StudyFileError
from fedsoft.execution import conduct, flower_app
from fedsoft.execution.lockstep import execute_together
from fedsoft.study.opened import open_study
from fedsoft.training import compute_in

NOT_HERE = 'precision = "tf32" is a way in which GPUs multiply, and device is "cpu"'


@pytest.fixture(autouse=True)
def exact():
    yield
    compute_in("float32", "cpu")


@pytest.fixture
def rounded(tiny, tmp_path):
    """A study in TF32, of sources of which one has teachers."""
    return open_study(tiny | {"precision": "tf32"}, "tiny.toml", tmp_path / "out")


def rounds():
    flags = {torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32}
    assert len(flags) == 1
    return flags.pop()


def conducted(opened):
    return conduct.run_study(opened, "inprocess", 1, lambda *args: None, lambda: False)


def test_a_card_rounds_where_it_is_asked_to():
    assert not rounds()
    compute_in("tf32", "cuda:0")
    assert rounds()
    compute_in("float32", "cuda:0")
    assert not rounds()
    with pytest.raises(EngineError, match=NOT_HERE):
        compute_in("tf32", "cpu")
    assert not rounds()


def test_runs_in_tf32_are_others_and_so_is_what_they_need(rounded, tiny, tmp_path):
    exact = open_study(tiny, "tiny.toml", tmp_path / "exact").plan
    keys = [{run.key for phase in plan.phases for run in phase} for plan in (rounded.plan, exact)]
    assert len(rounded.plan.phases) > 1
    assert not keys[0] & keys[1]
    assert "precision" not in exact.runs[0].model_dump(exclude_defaults=True)


def test_a_cpu_refuses_before_anything_is_written(rounded):
    with pytest.raises(EngineError, match=NOT_HERE):
        conducted(rounded)
    assert not rounded.store.root.exists()


def test_a_run_that_a_cpu_was_given_fails(rounded):
    run = rounded.plan.phases[0][0]
    execute_together([run], rounded.store, 1, "cpu")
    assert NOT_HERE in str(rounded.failures)


def test_flowers_clients_compute_as_their_run_does(rounded):
    run = rounded.plan.phases[0][0]
    rounded.store.save_settings(run)
    with pytest.raises(EngineError, match=NOT_HERE):
        flower_app._task(str(rounded.store.root), run.key, "cpu")


def test_a_process_rounds_while_it_runs_and_no_longer(rounded, monkeypatch):
    seen = []
    engine = SimpleNamespace(run=lambda phases, hooks: seen.append(rounds()))
    monkeypatch.setattr(conduct, "_engine", lambda *args: engine)
    assert conducted(replace(rounded, device="cuda"))
    assert seen == [True]
    assert not rounds()


def test_what_is_exact_says_so(finished):
    record = finished.store.record(finished.plan.runs[0].key)
    assert (record["precision"], record["card"]) == ("float32", None)


def test_one_study_has_one_precision(tiny, tmp_path):
    table = tiny | {"grid": {"precision": ["float32", "tf32"]}}
    with pytest.raises(StudyFileError, match="grid cannot vary 'precision'"):
        open_study(table, "tiny.toml", tmp_path)
