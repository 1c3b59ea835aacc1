"""A hundred clients of which a tenth fail at random in each round: the run ends, counts them, and repeats."""

import contextlib

import pytest

from fedsoft.execution.conduct import run_study
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

ROUNDS = 4
HUNDRED = {
    "name": "hundred",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg", "scaffold"],
    "model": {"name": "mlp", "hidden": [8]},
    "rounds": ROUNDS,
    "seeds": [0, 1],
    "stack": 1,
    "scenario": {"clients": 100, "mishaps": {"failing": 0.1}},
}


def told(study):
    """What runs say of their rounds and of their clients' mishaps."""
    store, runs = study.store, study.plan.runs
    return {run.key: (store.record(run.key)["mishaps"], str(store.rounds(run.key))) for run in runs}


@pytest.fixture(scope="module")
def here(tmp_path_factory, run):
    """The study, in process."""
    return run(open_study(HUNDRED, "hundred.toml", tmp_path_factory.mktemp("hundred")), stack=1)


def test_the_run_ends_and_counts_those_that_failed(here):
    for one in here.plan.runs:
        task = prepare(one, here.store, "cpu").task
        failing = [int((task.fates(number) == 3).sum()) for number in range(1, ROUNDS + 1)]
        assert here.store.record(one.key)["mishaps"] == {
            "asked": 100 * ROUNDS,
            "failed": sum(failing),
            "raised": 0,
            "dropped": 0,
            "late": 0,
            "void": 0,
            "first": [],
        }
        rounds = here.store.rounds(one.key)[1:]
        assert [figures["failed"] for figures in rounds] == failing
        assert [figures["cohort"] for figures in rounds] == [100 - count for count in failing]
        assert len(set(failing)) > 1
        assert 0.055 < sum(failing) / (100 * ROUNDS) < 0.145  # within three standard deviations


def test_seeds_differ_in_who_fails_and_strategies_do_not(here):
    by_seed = {}
    for one in here.plan.runs:
        failed = [figures["failed"] for figures in here.store.rounds(one.key)]
        by_seed.setdefault(one.seed, []).append(failed)
    assert all(len(some) == 2 and some[0] == some[1] for some in by_seed.values())
    assert by_seed[0][0] != by_seed[1][0]


def test_it_repeats_bit_for_bit(here, tmp_path, run, models):
    again = run(open_study(HUNDRED, "hundred.toml", tmp_path), stack=1)
    assert models(tmp_path) == models(here.store.root)
    assert told(again) == told(here)


def test_interrupted_after_any_round_it_repeats_too(here, tmp_path, run, models):
    stopped = 0
    while True:
        study, seen = open_study(HUNDRED, "hundred.toml", tmp_path), []
        hooks = Hooks(lambda settings, figures, seen=seen: seen.append(1), lambda seen=seen: len(seen) > 1)
        with contextlib.suppress(Interrupted):
            run(study, stack=1, hooks=hooks)
            break
        stopped += 1
    assert stopped > 3
    assert models(tmp_path) == models(here.store.root)
    assert told(study) == told(here)


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "workers"), [("ray", 2), ("inprocess", "ray")])
def test_it_repeats_on_ray(engine, workers, here, tmp_path, models):
    study = open_study(HUNDRED, "hundred.toml", tmp_path)
    assert run_study(study, engine, workers, lambda *_: None, lambda: False)
    assert models(tmp_path) == models(here.store.root)
    assert told(study) == told(here)


def test_too_few_updates_leave_a_round_void_and_counted(tmp_path, run):
    table = {**HUNDRED, "strategies": ["fedavg"], "seeds": [0]}
    table["scenario"] = {"clients": 100, "mishaps": {"dropped": 0.45, "late": 0.05}, "enough": 0.5}
    study = run(open_study(table, "hundred.toml", tmp_path), stack=1)
    (key,) = (one.key for one in study.plan.runs)
    counts, rounds = study.store.record(key)["mishaps"], study.store.rounds(key)[1:]
    lost = [figures["dropped"] + figures["late"] for figures in rounds]
    assert counts["asked"] == 100 * ROUNDS
    assert counts["dropped"] + counts["late"] == sum(lost)
    assert counts["void"] == sum(count > 50 for count in lost)
    assert 0 < counts["void"] < ROUNDS
