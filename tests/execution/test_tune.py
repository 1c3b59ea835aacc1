"""Trials as they are read and judged: by hand, and from small runs."""

import numpy as np
import pytest

from fedsoft.config import validate
from fedsoft.errors import DataError
from fedsoft.execution.tune import Trial, choose, read_trials
from fedsoft.study.trials import Point, open_trials

TABLE = {
    "name": "small",
    "dataset": "digits",
    "sources": ["hard", "human_soft"],
    "strategies": ["fedavg", {"name": "fedprox", "mu": 0.0}],
    "model": "linear",
    "rounds": 2,
    "seeds": [0],
    "scenario": {"clients": 3},
    "training": {"weight_decay": 0.01},
    "tune": {
        "trials": 3,
        "seeds": [7, 8],
        "keys": {
            "training.lr": {"choices": [0.01, 0.3, 1e30]},
            "strategies.fedprox.mu": {"choices": [0.0]},
        },
    },
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory, run):
    opened, points = open_trials(TABLE, "small.toml", tmp_path_factory.mktemp("trials"))
    return run(opened), points


def test_trials_are_read_as_their_runs_were_stored(opened):
    study, _ = opened
    trials = read_trials(*opened)
    assert {one.point.values["training.lr"] for one in trials} == {0.01, 0.3, 1e30}
    for place, one in enumerate(trials):
        if one.point.values["training.lr"] == 1e30:
            assert one.loss == np.inf  # it diverged
            continue
        kept = {
            (run.source.label(), run.seed): study.store.rounds(run.key)[-1]["nll"]
            for cell in study.plan.cells
            if cell.axes["point"] == place
            for run in cell.runs
        }
        assert one.nll == pytest.approx([(kept["hard", s] + kept["human_soft", s]) / 2 for s in (7, 8)])
        assert one.by_source == pytest.approx(
            [(kept[name, 7] + kept[name, 8]) / 2 for name in ("hard", "human_soft")]
        )
        assert one.own[0] == pytest.approx(one.by_source[0], rel=1e-5)
        assert one.own[1] != pytest.approx(one.by_source[1], rel=1e-3)
    of = validate(TABLE, "small.toml")
    chosen = choose(of, of.tune, trials)
    assert [own["training.lr"] for own in chosen.own] == [0.3, 0.3]


def test_strategies_that_are_one_have_the_same_trials(opened):
    trials = read_trials(*opened)
    first, second = ([one for one in trials if one.point.strategy == s] for s in (0, 1))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.nll, other.nll)  # fedprox at mu = 0 is fedavg, to the bit


def test_trials_go_on_where_they_were_left(opened):
    study, _ = opened
    more = {**TABLE, "tune": {**TABLE["tune"], "trials": 3}}
    again, _ = open_trials(more, "small.toml", study.store.root)
    done = {run.key for run in again.plan.runs if again.store.is_done(run.key)}
    failed = {run.key for run in again.plan.runs if run.training.lr == 1e30}
    assert {run.key for run in again.open_runs} == failed
    assert done | failed == {run.key for run in again.plan.runs}


def trial(strategy, number, loss, sources=(0.0, 0.0), **values):
    nll = np.array([loss, loss])
    return Trial(
        Point(strategy, number, {k.replace("_", "."): v for k, v in values.items()}),
        nll,
        np.array(sources),
        nll,
    )


def test_each_strategy_chooses_its_own_among_what_all_share():
    keys = {"training.lr": {"choices": [1]}, "rounds": {"choices": [1]}}
    of = validate({**TABLE, "tune": {"keys": keys}}, "small.toml")
    trials = [
        trial(0, 0, 0.5, training_lr=0.1, rounds=10),
        trial(0, 1, 0.1, training_lr=0.2, rounds=20),
        trial(0, 2, 0.4, training_lr=0.3, rounds=10),
        trial(1, 0, 0.2, training_lr=0.1, rounds=10),
        trial(1, 1, 0.9, training_lr=0.2, rounds=20),
        trial(1, 2, 0.3, training_lr=0.3, rounds=10),
    ]
    chosen = choose(of, of.tune, trials)  # with 10 rounds they come to 0.4 and 0.2, with 20 to 0.1 and 0.9
    assert chosen.common == {"rounds": 10}
    assert chosen.own == [{"training.lr": 0.3}, {"training.lr": 0.1}]
    assert [one.point.trial for one in chosen.best] == [2, 0]


def test_a_sources_key_is_judged_by_that_source_under_all_strategies():
    table = {**TABLE, "sources": ["hard", {"name": "smoothing", "rate": 0.1}]}
    table["tune"] = {"keys": {"sources.smoothing.rate": {"choices": [1]}}}
    of = validate(table, "small.toml")

    def one(strategy, number, loss, sources, rate):
        made = trial(strategy, number, loss, sources)
        return Trial(
            Point(strategy, number, {"sources.smoothing.rate": rate}), made.nll, made.by_source, made.own
        )

    trials = [
        one(0, 0, 0.1, (0.0, 0.9), 0.05),
        one(0, 1, 0.2, (0.0, 0.5), 0.2),
        one(1, 0, 0.1, (0.0, 0.3), 0.05),
        one(1, 1, 0.2, (0.0, 0.4), 0.2),
    ]
    assert choose(of, of.tune, trials).common == {"sources.smoothing.rate": 0.2}  # 0.45 against 0.6


def test_a_strategy_of_which_nothing_could_be_done_is_an_error():
    of = validate(TABLE, "small.toml")
    trials = [trial(0, 0, 0.5, training_lr=1), trial(1, 0, np.inf, training_lr=1)]
    with pytest.raises(DataError, match="no trial of fedprox"):
        choose(of, of.tune, trials)
