"""Studies whose clients see hard labels that change from epoch to epoch."""

import contextlib

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.errors import StudyFileError
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

SOURCES = ["human_soft", "stochastic", "multipass"]


@pytest.fixture
def delivered(tiny):
    training = {"epochs": 2, "lr": 0.3, "mixup": 0.3}
    return tiny | {"sources": SOURCES, "strategies": ["fedavg"], "training": training}


def test_stacks_and_resumption_agree(delivered, tmp_path, run, models):
    whole = run(open_study(delivered, "tiny.toml", tmp_path / "whole"), stack=1)
    assert len(set(models(tmp_path / "whole").values())) == 6
    for _ in range(30):
        study, seen = open_study(delivered, "tiny.toml", tmp_path / "parts"), []
        hooks = Hooks(lambda settings, figures, seen=seen: seen.append(1), lambda seen=seen: len(seen) > 0)
        with contextlib.suppress(Interrupted):
            run(study, stack=1, hooks=hooks)
            break
    assert models(tmp_path / "parts") == models(tmp_path / "whole")
    stacked = run(open_study(delivered, "tiny.toml", tmp_path / "stacked"), stack="all")
    for one in whole.plan.runs:
        a, b = (study.store.predictions(one.key)["test"] for study in (whole, stacked))
        np.testing.assert_allclose(a, b, atol=1e-4)
    np.testing.assert_array_equal(
        digest(whole).cells[0].doses["all"], 0
    )  # the same targets, in other portions


def test_each_party_delivers_its_own_way(delivered, tmp_path):
    delivered["scenario"] = {"clients": 4, "parties": [{"clients": [1], "source": "human_soft"}]}
    delivered["scenario"]["parties"].append({"clients": [2], "source": "stochastic", "votes": 3})
    study = open_study(delivered, "tiny.toml", tmp_path)
    run = next(run for run in study.plan.runs if run.source.label() == "multipass")
    task = prepare(run, study.store, "cpu").task
    assert task.delivery.of(1) is None
    assert task.delivery.of(0) is task.delivery.of(3)
    for client in (0, 3):
        rows, rule = task.train.of(client), task.delivery.of(client)
        np.testing.assert_array_equal(rule.count[rows], 18)
        shares = np.mean([np.eye(10)[rule.classes(rows, e, None)] for e in range(18)], axis=0)
        np.testing.assert_allclose(shares, task.targets[rows], atol=1e-6)
    soft = task.delivery.of(2).soft[task.train.of(2)]
    np.testing.assert_allclose(soft, task.targets[task.train.of(2)], atol=1e-6)
    np.testing.assert_allclose(soft * 3 % 1, 0, atol=1e-9)


def test_private_votes_are_not_handed_out_one_by_one(delivered, tmp_path):
    delivered["privacy"] = {"labels": {"name": "randomized_response", "epsilon": 1.0}}
    with pytest.raises(StudyFileError, match=r"'multipass' hands out the votes themselves.*stochastic"):
        open_study(delivered, "tiny.toml", tmp_path)
    delivered["sources"] = ["stochastic"]
    study = open_study(delivered, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    rows = ready.task.train.of(0)
    np.testing.assert_allclose(ready.task.delivery.of(0).soft[rows], ready.task.targets[rows], atol=1e-6)
