"""Runs that advance beside each other end where each would have ended alone."""

import numpy as np
import pytest
from flwr.app import ConfigRecord, RecordDict

from fedsoft.errors import EngineError
from fedsoft.execution.groups import groups_of
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.federation import STRATEGIES
from fedsoft.federation.asked import Asked
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.programs import programs
from fedsoft.federation.records import to_record
from fedsoft.federation.together import train_together
from fedsoft.files import read_json
from fedsoft.scenarios import PARTITIONS
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.supervision import SOURCES

MIXED = {
    "dataset": {"name": "digits", "inputs": "images"},
    "sources": ["hard", "human_soft", "stochastic", "multipass"],
    "strategies": ["fedavg", "fedadam", {"name": "fedprox", "mu": 0.5}],
    "training": {"lr": 0.3, "momentum": 0.5, "mixup": 0.2, "augment": "crops", "lr_decay": 0.9},
    "cartography": True,
}


def predictions(study):
    return {run.key: study.store.predictions(run.key) for run in study.plan.runs}


def assert_same_results(here, there):
    assert here.keys() == there.keys()
    for key, arrays in here.items():
        assert arrays.keys() == there[key].keys()
        for name, array in arrays.items():
            np.testing.assert_allclose(there[key][name], array, rtol=0, atol=1e-4, err_msg=f"{key} {name}")


@pytest.fixture
def alone(tiny, tmp_path, run):
    return predictions(run(open_study(tiny | MIXED, "tiny.toml", tmp_path / "alone"), stack="all"))


@pytest.mark.parametrize("stack", [1, 5, 64, "auto"])
def test_runs_in_lockstep_are_runs_alone(tiny, tmp_path, run, alone, stack):
    study = run(open_study(tiny | MIXED, "tiny.toml", tmp_path / "together"), stack=stack)
    assert_same_results(alone, predictions(study))


def test_each_run_gets_its_own_figures(tiny, tmp_path, run):
    tiny |= {"sources": ["hard", "human_soft"], "strategies": ["fedavg"], "seeds": [0, 1, 2]}
    alone = run(open_study(tiny, "tiny.toml", tmp_path / "alone"), stack=1)
    together = run(open_study(tiny, "tiny.toml", tmp_path / "together"), stack=64)
    for one in alone.plan.runs:
        for here, there in zip(alone.store.rounds(one.key), together.store.rounds(one.key), strict=True):
            assert there == pytest.approx(here, abs=1e-4, nan_ok=True)


OPTIONS = {"votes_k": {"k": 2}, "human_soft_denoised": {"slip_rate": 0.05}}
SINGLE_ANSWERS = {"dawid_skene", "one_coin", "wawa", "mace", "glad"}


OF_GROUPS_OR_PEOPLE = {"natural", "natural_dirichlet", "by_annotator"}
EVERY = {
    "partition": {
        "strategies": ["fedavg"],
        "grid": {
            "scenario.partition": [name for name in PARTITIONS.names() if name not in OF_GROUPS_OR_PEOPLE]
        },
    },
    "strategy": {
        "strategies": [name for name in STRATEGIES.names() if not STRATEGIES.get(name).needs_examples]
    },
}


@pytest.mark.parametrize("choice", EVERY)
def test_every_choice_gives_the_same_in_lockstep_and_resumed(choice, tiny, tmp_path, run):
    """One study of a run a choice, all beside each other, stopped in the middle; five clients a round."""
    tiny |= {"sources": ["hard"], "seeds": [0], "scenario": {"clients": 10, "participation": 0.5}}
    tiny |= EVERY[choice]
    single = run(open_study(tiny, "tiny.toml", tmp_path / "single"), stack=1)
    told = []
    hooks = Hooks(lambda settings, figures: told.append(settings.key), lambda: len(told) > 5)
    with pytest.raises(Interrupted):
        run(open_study(tiny, "tiny.toml", tmp_path / "all"), stack=64, hooks=hooks)
    assert len(open_study(tiny, "tiny.toml", tmp_path / "all").open_runs) > 1
    here = predictions(single)
    assert len(here) == len(EVERY[choice].get("grid", {}).get("scenario.partition", tiny["strategies"]))
    assert_same_results(here, predictions(run(open_study(tiny, "tiny.toml", tmp_path / "all"), stack=64)))


def test_every_source_gives_the_same_in_lockstep(tiny, tmp_path, run):
    names = [name for name in SOURCES.names() if name not in (*SINGLE_ANSWERS, "noise_matched")]
    tiny |= {"sources": [{"name": name, **OPTIONS.get(name, {})} for name in names], "strategies": ["fedavg"]}
    tiny["scenario"] = {"clients": 4, "partition": {"name": "dirichlet", "alpha": 0.5}}
    tiny["rounds"] = 2
    single = run(open_study(tiny, "tiny.toml", tmp_path / "single"), stack=1)
    assert_same_results(
        predictions(single), predictions(run(open_study(tiny, "tiny.toml", tmp_path / "all"), stack=64))
    )


def test_every_strategy_gives_the_same_in_lockstep(tiny, tmp_path, run):
    tiny |= {"sources": ["hard", "human_soft"], "strategies": STRATEGIES.names(), "seeds": [0]}
    tiny["scenario"] = {"clients": 5, "server_examples": 40}
    single = run(open_study(tiny, "tiny.toml", tmp_path / "single"), stack=1)
    assert len(predictions(single)) == 2 * len(STRATEGIES.names())
    assert_same_results(
        predictions(single), predictions(run(open_study(tiny, "tiny.toml", tmp_path / "all"), stack=64))
    )


def test_runs_at_different_rounds_advance_together(tiny, tmp_path, alone):
    """Some were interrupted after a round, others begin."""
    study = open_study(tiny | MIXED, "tiny.toml", tmp_path / "together")
    runs, seen = study.plan.runs, []
    hooks = Hooks(lambda settings, figures: seen.append(settings.key), lambda: len(seen) > 4)
    with pytest.raises(Interrupted):
        execute_together(runs[::2], study.store, "all", "cpu", hooks)
    begun = {run.key for run in runs if study.store.checkpoint(run.key)}
    assert 0 < len(begun) < len(runs)
    execute_together(runs, study.store, "all", "cpu")
    assert_same_results(alone, predictions(study))


@pytest.mark.parametrize("error", [EngineError, RuntimeError, MemoryError])
def test_whatever_goes_wrong_the_others_leave_checkpoints(tiny, tmp_path, error):
    study = open_study(tiny | {"sources": ["hard"]}, "tiny.toml", tmp_path)

    def fail_late(settings, figures):
        if settings.key == study.plan.runs[0].key and figures["round"] == 2:
            raise error("no more")

    with pytest.raises(error, match="no more"):
        execute_together(study.plan.runs, study.store, "all", "cpu", Hooks(fail_late))
    begun = [run for run in study.plan.runs if study.store.checkpoint(run.key)]
    assert len(begun) == len(study.plan.runs) - 1


def test_what_ran_is_recorded_and_seconds_are_shared(tiny, tmp_path):
    study = open_study(tiny | {"sources": ["hard"]}, "tiny.toml", tmp_path)
    execute_together(study.plan.runs, study.store, 7, "cpu")
    for run in study.plan.runs:
        record = read_json(study.store.run_folder(run.key) / "run.json")
        assert record["engine"] == "inprocess, stack 7"
        assert 0 < record["seconds"] < 20


def test_groups_fill_a_stack_with_runs_that_are_alike(tiny, tmp_path):
    study = open_study(tiny | {"sources": ["hard", "human_soft"]}, "tiny.toml", tmp_path)
    runs = study.plan.runs  # two sources × two strategies × two seeds, two clients a round
    together = groups_of(runs, 8, 1, "cpu")
    assert [len(group) for group, _ in together] == [4, 4]
    assert all(len({run.strategy for run in group}) == 1 for group, _ in together)
    assert [[run.seed for run in group] for group, _ in together] == [[0, 0, 6, 6]] * 2  # who share batches
    assert sorted(run.key for group, _ in together for run in group) == sorted(run.key for run in runs)
    assert [len(group) for group, _ in groups_of(runs, 8, 2, "cpu")] == [1] * 8  # for two workers to share
    assert [len(group) for group, _ in groups_of(runs, "all", 1, "cpu")] == [1] * 8
    assert [len(group) for group, _ in groups_of(runs, 1, 1, "cpu")] == [1] * 8


def test_only_clients_of_one_arithmetic_share_a_program(tiny, tmp_path):
    study = open_study(tiny | {"sources": ["hard"], "strategies": ["fedavg"]}, "tiny.toml", tmp_path)
    hard = prepare(study.plan.runs[0], study.store, "cpu").task
    slower = study.plan.runs[1].model_copy(
        update={"usual_training": study.plan.runs[1].training.model_copy(update={"lr": 0.01})}
    )
    other = prepare(slower, study.store, "cpu").task
    asked = []
    for task in (hard, other):
        grid = InProcessGrid(task)
        asked += [Asked(task, client, message(grid, task, client)) for client in (0, 1)]
    assert asked[0].like(asked[1])
    assert not asked[0].like(asked[2])
    one_by_one = [train_together([one], 1)[0] for one in asked]
    for reply, same in zip(train_together(asked, "all"), one_by_one, strict=True):
        for name, array in reply.content["arrays"].items():
            np.testing.assert_allclose(array.numpy(), same.content["arrays"][name].numpy(), atol=1e-6)


def message(grid, task, client):
    content = RecordDict({"arrays": to_record(task.initial()), "config": ConfigRecord({"server-round": 1})})
    made = grid.create_message(content, "train", client + 1, "")
    made.metadata.__dict__["_message_id"] = str(client)
    return made


@pytest.mark.parametrize(
    ("clients", "stack", "sizes"),
    [
        (40, 32, [20, 20]),
        (40, 64, [40]),
        (7, 3, [3, 3, 1]),
        (2, 1, [1, 1]),
        (65, 64, [33, 32]),
        (9, "all", [9]),
    ],
)
def test_programs_are_of_even_size(clients, stack, sizes):
    assert [len(program) for program in programs([1] * clients, stack)] == sizes


def test_clients_that_train_for_as_long_share_a_program():
    assert programs([1, 30, 2, 31, 3, 32], 3) == [[5, 3, 1], [4, 2, 0]]
    assert programs([1, 30, 2], "all") == [[1, 2, 0]]
