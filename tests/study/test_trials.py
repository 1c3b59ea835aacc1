"""What tuning tries: as many points for every strategy, as runs that the tuned study would have."""

from typing import Any

import pytest

from fedsoft.config import validate
from fedsoft.errors import StudyFileError
from fedsoft.study.settings import runs_of
from fedsoft.study.trials import open_trials, points_of, settled

TABLE: dict[str, Any] = {
    "name": "small",
    "dataset": "digits",
    "sources": ["hard", {"name": "smoothing", "rate": 0.1}],
    "strategies": ["fedavg", "fedadam", {"name": "fedprox", "mu": 0.0}],
    "model": "linear",
    "rounds": 2,
    "seeds": [0, 1],
    "scenario": {"clients": 3},
    "grid": {"scenario.participation": [0.7, 1.0], "redraw.partition": [0, 1, 2]},
    "endpoint": {"source": "smoothing(rate=0.1)"},
    "tune": {
        "trials": 6,
        "keys": {
            "training.lr": {"from": 0.02, "to": 1.0, "log": True},
            "strategies.fedadam.eta": {"from": 0.001, "to": 0.1, "log": True},
            "sources.smoothing.rate": {"from": 0.05, "to": 0.3},
            "rounds": {"choices": [1, 2]},
        },
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**TABLE, "tune": {**TABLE["tune"], **changes}}


def test_every_strategy_has_as_many_points_over_its_own_keys():
    study = validate(TABLE, "small.toml")
    points = points_of(study, study.tune)
    assert [sum(p.strategy == s for p in points) for s in range(3)] == [6, 6, 6]
    avg, adam, prox = ([p.values for p in points if p.strategy == s] for s in range(3))
    assert avg == prox
    assert [{k: v for k, v in p.items() if k != "strategies.fedadam.eta"} for p in adam] == avg
    assert len({p["strategies.fedadam.eta"] for p in adam}) == 6
    assert all(0.02 <= p["training.lr"] <= 1 for p in avg)


def test_trials_are_runs_of_the_tuned_study_on_other_seeds(tmp_path):
    opened, points = open_trials(TABLE, "small.toml", tmp_path / "trials")
    assert opened.plan.study.name == "tune-small"
    assert len(opened.plan.cells) == len(points) * 2  # of the grid, what redraws chance is left out
    place = next(i for i, p in enumerate(points) if p.strategy == 1 and p.trial == 3)
    values = points[place].values
    cell = next(cell for cell in opened.plan.cells if cell.axes["point"] == place)
    (strategy,) = cell.study.strategies
    assert strategy.eta == values["strategies.fedadam.eta"]
    assert cell.study.sources[1].rate == values["sources.smoothing.rate"]
    assert {run.training.lr for run in cell.runs} == {values["training.lr"]}
    assert {run.seed for run in cell.runs} == {100, 101}
    assert {run.rounds for run in cell.runs} == {values["rounds"]}

    study = validate(TABLE, "small.toml")
    tuned = settled(TABLE, study, values, [values] * 3)
    of_cell = {**tuned, "scenario": {"clients": 3, "participation": 0.7}, "seeds": [100, 101], "tune": None}
    of_cell["grid"], of_cell["endpoint"] = {}, None
    keys = {run.key for run in runs_of(validate(of_cell, "tuned"))}
    assert {run.key for run in cell.runs} < keys


def test_a_strategy_that_trains_as_the_study_does_keeps_its_runs():
    plain = validate({**TABLE, "tune": None}, "small.toml")
    with_keys = validate(TABLE, "small.toml")
    assert [run.key for run in runs_of(plain)] == [run.key for run in runs_of(with_keys)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seeds": [1, 100]}, "tune.seeds has 1, which the study reports"),
        ({"keys": {"strategies.fedyogi.eta": {"choices": [1]}}}, "is not among the strategies"),
        ({"keys": {"strategies.fedadam": {"choices": [1]}}}, "strategies.fedavg.OPTION"),
        ({"keys": {"seeds": {"choices": [1]}}}, "not for tuning"),
        ({"keys": {"scenario.participation": {"choices": [1]}}}, "the grid varies"),
        ({"keys": {}}, "at least 1"),
    ],
)
def test_what_cannot_be_tuned_is_refused(changes, why):
    with pytest.raises(StudyFileError, match=why):
        validate(changed(**changes), "small.toml")


def test_values_are_those_that_the_key_may_take(tmp_path):
    table = changed(keys={"training.momentum": {"from": 0.0, "to": 2.0}})
    with pytest.raises(StudyFileError, match="momentum: input should be less than 1"):
        open_trials(table, "small.toml", tmp_path)
    with pytest.raises(StudyFileError, match=r"\[tune\] is missing"):
        open_trials({**TABLE, "tune": None}, "small.toml", tmp_path)
