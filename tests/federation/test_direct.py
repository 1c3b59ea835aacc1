"""Rounds without messages: what Flower's own strategies make of the same updates, bit by bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flwr.serverapp import strategy as flower

from fedsoft.errors import EngineError
from fedsoft.federation import STRATEGIES, local, rounds
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.direct import Merge, Trainer, Turn, merge_together, rule_of
from fedsoft.federation.direct.updates import Updates
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.results import RoundResult
from fedsoft.federation.rounds import play_round
from fedsoft.scenarios import Mishaps
from fedsoft.streams import stream
from fedsoft.training import MODELS, Training

NETS = Path(__file__).parents[1] / "nets.py"
RAGGED = (3, 0, 1, 8, 21, 12, 40, 9)
WITH_RULES = {
    "fedavg": {},
    "fedprox": {"mu": 0.3},
    "nucfl": {"beta": 0.5},
    "fedavgm": {"momentum": 0.8, "lr": 0.7},
    "fedadagrad": {"eta": 0.05},
    "fedadam": {"eta": 0.05},
    "fedyogi": {"eta": 0.05},
    "fedmedian": {},
    "fedtrimmedavg": {"beta": 0.2},
    "krum": {"malicious": 1},
    "multikrum": {"malicious": 1, "keep": 3},
}
WITHOUT = {"bulyan", "qfedavg", "scaffold", "fedcrowd", "fedds", "fedqual", "fedsir"}
"""Strategies that get messages: what they ask of single clients, or make of them, is their own."""


def spelled(name):
    return {"name": name, **WITH_RULES.get(name, {})}


def test_every_strategy_has_a_rule_or_is_named_as_one_without(make_task):
    at = AtServer.of(make_task())
    ruled = {name for name in STRATEGIES.names() if rule_of(STRATEGIES.parse(name).build(at))}
    assert ruled == WITH_RULES.keys()
    assert set(STRATEGIES.names()) - ruled == WITHOUT


def test_a_strategy_of_someone_else_gets_its_messages(make_task, federate):
    asked = []

    class Other(flower.FedAvg):
        def configure_train(self, *about):
            asked.append(about[0])
            return super().configure_train(*about)

    options = {"fraction_evaluate": 0.0, "min_train_nodes": 1, "min_available_nodes": 1}
    task = make_task()
    theirs = federate(Other(**options), InProcessGrid(task), 2)
    assert asked == [1, 2]
    same(theirs, federate("fedavg", InProcessGrid(task), 2))


def test_so_does_one_that_was_given_a_function(make_task):
    for given in (
        {"weighted_by_key": "num-batches"},
        {"train_metrics_aggr_fn": lambda contents, key: contents[0]["metrics"]},
    ):
        assert rule_of(flower.FedAvg(fraction_evaluate=0.0, **given)) is None
    patched = STRATEGIES.parse("fedavg").build(AtServer.of(make_task()))
    assert rule_of(patched) is not None
    patched.aggregate_train = lambda number, replies: (None, None)
    assert rule_of(patched) is None


@pytest.fixture
def directly(monkeypatch):
    """No round may fall back on messages."""
    monkeypatch.setattr(rounds, "on_host", lambda strategy: pytest.fail("sent messages"))


def same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for name, array in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], array)
        mine, its = (replace(result, model={}) for result in (one, other))
        assert repr(mine) == repr(its)  # NaN equals itself there


@pytest.mark.parametrize("name", WITH_RULES)
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_rounds_are_flowers_bitwise(name, model, make_task, federate, directly):
    task = make_task(model, sizes=RAGGED)
    here, there = (federate(spelled(name), InProcessGrid(task, 3, messages), 4) for messages in (False, True))
    same(here, there)


@pytest.mark.parametrize("name", WITH_RULES)
def test_so_they_are_where_a_parameter_is_a_single_number(name, make_task, federate, directly):
    task = replace(make_task(), model=MODELS.parse({"name": "module", "factory": f"{NETS}:Scaled"}))
    here, there = (federate(spelled(name), InProcessGrid(task, 3, messages), 2) for messages in (False, True))
    same(here, there)


@pytest.mark.parametrize("name", WITH_RULES)
def test_so_they_are_where_clients_are_lost(name, make_task, federate, directly):
    lossy = Mishaps(dropped=0.15, late=0.15, failing=0.15)
    task = replace(make_task(sizes=RAGGED * 2, participation=0.9), mishaps=lossy, enough=0.2)
    here, there = (federate(spelled(name), InProcessGrid(task, 5, messages), 4) for messages in (False, True))
    same(here, there)
    assert sum(r.late for r in here)
    assert sum(r.dropped for r in here)
    assert any(r.failures for r in here)


@pytest.mark.parametrize("name", WITH_RULES)
def test_a_run_may_go_on_the_other_way(name, make_task, federate):
    """State is kept under Flower's names: what messages began goes on without, and the other way round."""
    task = make_task(sizes=RAGGED)
    whole = federate(spelled(name), InProcessGrid(task), 4)
    for first in (True, False):
        built = [STRATEGIES.parse(spelled(name)).build(AtServer.of(task)) for _ in range(2)]
        half = federate(built[0], InProcessGrid(task, "all", first), 2)[-1]
        restore_strategy(built[1], *strategy_state(built[0]))
        state = RoundResult(2, half.arrays, float("nan"), 0)
        rest = federate(built[1], InProcessGrid(task, "all", not first), 4, state)
        same(rest, whole[2:])


@pytest.mark.parametrize("name", ["fedavgm", "fedadam"])
def test_nor_does_it_matter_how_often_it_changes(name, make_task, federate):
    """Flower's optimizers keep the global model too; one left from before must not come back."""
    task = make_task(sizes=RAGGED)
    whole = federate(spelled(name), InProcessGrid(task), 3)
    built = STRATEGIES.parse(spelled(name)).build(AtServer.of(task))
    state = RoundResult(0, task.initial(), float("nan"), 0)
    for number, messages in ((1, True), (2, False), (3, True)):
        (state,) = federate(built, InProcessGrid(task, "all", messages), number, state)
        same([state], whole[number - 1 : number])


def test_runs_that_train_apart_merge_apart(make_task):
    """Two runs on other inputs have the same rule, and models of their own."""
    tasks = [make_task(sizes=RAGGED), make_task(sizes=RAGGED)]
    tasks[1] = replace(tasks[1], inputs=tasks[1].inputs.flip(0))
    alone = [lockstep([task], "fedavg")[0] for task in tasks]
    same(lockstep(tasks, "fedavg"), alone)


@pytest.mark.parametrize("name", WITH_RULES)
def test_runs_merge_together_as_alone(name, make_task):
    """Several runs of one strategy, in states of their own, some with fewer clients than others."""
    tasks = [make_task(sizes=RAGGED, seed=seed, participation=0.9) for seed in range(4)]
    tasks[1] = replace(tasks[1], participation=0.6)
    inputs = tasks[0].inputs
    tasks = [replace(task, inputs=inputs) for task in tasks]
    alone = [lockstep([task], name)[0] for task in tasks]
    for mine, one in zip(lockstep(tasks, name), alone, strict=True):
        same([mine], [one])


def lockstep(tasks, name, rounds=3):
    options = STRATEGIES.parse(spelled(name))
    strategies = [options.build(AtServer.of(task)) for task in tasks]
    states = [RoundResult(0, task.initial(), float("nan"), 0) for task in tasks]
    trainer = Trainer(1)
    for _ in range(rounds):
        at_work = [
            play_round(*about) for about in zip(strategies, map(InProcessGrid, tasks), states, strict=True)
        ]
        trained = trainer.train([next(one) for one in at_work])
        merges = [one.send(came) for one, came in zip(at_work, trained, strict=True)]
        assert all(isinstance(one, Merge) for one in merges)
        for r, merged in enumerate(merge_together(merges)):
            with pytest.raises(StopIteration) as end:
                at_work[r].send(merged)
            states[r] = end.value.value
    return states


def test_a_client_that_raises_is_named_as_in_messages(make_task, federate, monkeypatch):
    task = make_task()
    before = type(task.model).accumulate

    def raising(self, parameters, x, *rest, **more):
        if x.shape[1] == 3:  # the client of three examples
            raise ValueError("three are too few")
        return before(self, parameters, x, *rest, **more)

    monkeypatch.setattr(type(task.model), "accumulate", raising)
    here, there = (
        federate("fedadam", InProcessGrid(replace(task, enough=0.1), 1, messages), 3)
        for messages in (False, True)
    )
    same(here, there)
    assert [failure.cause for failure in here[0].failures] == ["ValueError: three are too few"]
    with pytest.raises(EngineError, match="client 0 failed in round 1: ValueError: three are too few"):
        federate("fedadam", InProcessGrid(replace(task, enough=1.0), 1), 1)


def test_divergence_is_told_as_in_messages(make_task, federate):
    task = make_task(training=Training(lr=1e30, batch_size=8))
    errors = []
    for messages in (False, True):
        with pytest.raises(EngineError, match="training diverged") as error:
            federate("fedavg", InProcessGrid(task, "all", messages), 3)
        errors.append(str(error.value))
    assert errors[0] == errors[1]


def test_too_little_memory_halves_the_stack_and_goes_on(make_task, federate, monkeypatch):
    task = make_task(sizes=RAGGED)
    before, seen = type(task.model).accumulate, []

    def short(self, parameters, x, *rest, **more):
        seen.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return before(self, parameters, x, *rest, **more)

    expected = federate("fedavg", InProcessGrid(task, 2), 2)
    monkeypatch.setattr(type(task.model), "accumulate", short)
    turn = next(play_round(*begin(task)))
    trainer = Trainer("all")
    trainer.train([turn])
    assert trainer.stack == 1 or trainer.stack == 2
    assert max(seen) == 7
    for messages in (False, True):
        got = federate("fedavg", InProcessGrid(task, "all", messages), 2)
        for one, other in zip(got, expected, strict=True):
            for name, array in other.arrays.items():
                np.testing.assert_allclose(one.arrays[name], array, atol=1e-6)
            assert not one.failures


def begin(task):
    state = RoundResult(0, task.initial(), float("nan"), 0)
    return STRATEGIES.parse("fedavg").build(AtServer.of(task)), InProcessGrid(task), state


def test_runs_that_differ_in_what_clients_are_told_are_not_mixed(make_task):
    task = make_task(sizes=RAGGED)
    turns = [
        Turn(task, [0, 3], task_start(task), {"server-round": 1, "proximal-mu": mu}, "all")
        for mu in (0.0, 9.0)
    ]
    assert not turns[0].like(turns[1])
    plain, pulled = Trainer("all").train(turns)
    assert any(not torch.equal(plain.models[n], pulled.models[n]) for n in plain.models)


def task_start(task):
    return RoundResult(0, task.initial(), float("nan"), 0).parameters(torch.device("cpu"))


def test_means_are_the_same_whatever_is_added_up_at_a_time(monkeypatch):
    rng = stream("updates")
    models = {"w": torch.from_numpy(rng.standard_normal((12, 7, 5)).astype(np.float32))}
    updates = Updates(
        models, rng.permutation(12).reshape(4, 3), rng.integers(1, 99, (4, 3)), rng.random((4, 3))
    )
    whole = updates.mean()["w"]
    monkeypatch.setattr("fedsoft.federation.direct.updates.CACHED", 1)
    assert torch.equal(updates.mean()["w"], whole)
    expected = np.einsum("rk,rk...->r...", updates.shares, updates.stacked("w").double().numpy())
    np.testing.assert_allclose(whole.numpy(), expected, atol=1e-6)


def test_models_of_a_round_are_arrays_on_demand(make_task, federate):
    result = federate("fedavg", InProcessGrid(make_task()), 1)[-1]
    assert {type(value) for value in result.arrays.values()} == {np.ndarray}
    assert {value.dtype for value in result.arrays.values()} == {np.dtype(np.float32)}


def test_runs_of_one_seed_draw_their_batches_once(make_task, monkeypatch):
    """Sources of a seed share orders; another seed, or another dealing of the same seed, has its own."""
    one = make_task(sizes=RAGGED)
    other = make_task(sizes=RAGGED, seed=1)
    dealt = replace(one, train=replace(one.train, rows=one.train.rows[::-1].copy()))
    tasks = [one, replace(one, targets=one.targets.flip(1)), replace(other, inputs=one.inputs), dealt]
    drawn, usual = [], local.stream
    monkeypatch.setattr(local, "stream", lambda *about, **key: drawn.append(about[0]) or usual(*about, **key))
    turns = [Turn(t, t.cohort(1), task_start(t), {"server-round": 1}, "all") for t in tasks]
    together = Trainer("all").train(turns)
    assert drawn == ["batch order"] * 3 * 7
    for turn, came in zip(turns, together, strict=True):
        (alone,) = Trainer(1).train([turn])
        for client, place in came.places.items():
            for name, value in alone.models.items():
                mine = value[alone.places[client]]
                torch.testing.assert_close(came.models[name][place], mine, atol=1e-6, rtol=0)
