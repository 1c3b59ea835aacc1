"""Our round loop is Flower's, can be resumed, and depends on no global state."""

import json
import random  # noqa: TID251  Flower's sampling uses it; these tests disturb it
from dataclasses import replace

import numpy as np
import pytest

from fedsoft.errors import EngineError
from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.exchange import RoundError
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_arrays, to_record
from fedsoft.federation.results import RoundResult
from fedsoft.files import read_npz, write_npz
from fedsoft.training import Training

ROUNDS = 6

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES.names())
each_participation = pytest.mark.parametrize("participation", [1.0, 0.6])


def build(name, task):
    return STRATEGIES.parse(name).build(AtServer.of(task))


@pytest.fixture
def run(federate):
    """Results of all rounds."""

    def play(task, strategy="fedavg", rounds=ROUNDS, stack="all", start=None):
        return federate(strategy, InProcessGrid(task, stack), rounds, start)

    return play


def assert_same_model(first, second):
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def flowers_own_loop(strategy, grid, task):
    """``Strategy.start``, whose hooks tell the grid the round and keep the model in float32, as we do."""
    configure, aggregate = strategy.configure_train, strategy.aggregate_train

    def configure_train(server_round, arrays, config, grid):
        grid.open_round(server_round)
        return configure(server_round, arrays, config, grid)

    def aggregate_train(server_round, replies):
        arrays, metrics = aggregate(server_round, replies)
        return to_record(to_arrays(arrays)), metrics

    strategy.configure_train, strategy.aggregate_train = configure_train, aggregate_train
    return strategy.start(grid=grid, initial_arrays=to_record(task.initial()), num_rounds=ROUNDS)


@each_strategy
@each_participation
def test_it_equals_flowers_own_loop_bitwise(strategy, participation, make_task, run):
    task = make_task(participation=participation)
    ours = run(task, strategy)
    flowers = flowers_own_loop(build(strategy, task), InProcessGrid(task), task)
    assert_same_model(ours[-1].arrays, to_arrays(flowers.arrays))
    losses = [flowers.train_metrics_clientapp[r]["train-loss"] for r in range(1, ROUNDS + 1)]
    assert [result.train_loss for result in ours] == losses


@each_strategy
@each_participation
def test_resumed_it_equals_the_uninterrupted_run_bitwise(strategy, participation, make_task, tmp_path, run):
    task = make_task(participation=participation)
    whole = run(task, strategy)
    first = build(strategy, task)
    half = run(task, first, rounds=3)[-1]
    arrays, kinds = strategy_state(first)
    write_npz(tmp_path / "state.npz", {f"model/{n}": a for n, a in half.arrays.items()} | arrays)
    kinds = json.loads(json.dumps(kinds))
    saved = read_npz(tmp_path / "state.npz")
    model = {name[6:]: array for name, array in saved.items() if name.startswith("model/")}
    second = build(strategy, task)
    restore_strategy(second, saved, kinds)
    rest = run(task, second, start=RoundResult(3, model, float("nan"), 0))
    assert [result.number for result in rest] == [4, 5, 6]
    for resumed, uninterrupted in zip(rest, whole[3:], strict=True):
        assert_same_model(resumed.arrays, uninterrupted.arrays)
        assert resumed.train_loss == uninterrupted.train_loss


def test_without_its_state_a_strategy_would_go_elsewhere(make_task, run):
    """What the test above would miss if nothing were stored: FedAvgM's velocity."""
    task = make_task()
    half = run(task, "fedavgm", rounds=3)[-1]
    forgetful = run(task, "fedavgm", start=half)[-1]
    assert any((forgetful.arrays[n] != a).any() for n, a in run(task, "fedavgm")[-1].arrays.items())


@pytest.mark.parametrize("strategy", ["fedavg", "fedmedian", "krum"])
def test_global_random_state_does_not_matter(strategy, make_task, run):
    task, models = make_task(participation=0.5), []
    for seed in (1, 2):
        random.seed(seed)
        models.append(run(task, strategy)[-1].arrays)
    assert_same_model(*models)


def test_results_tell_round_loss_and_cohort(make_task, run):
    task = make_task(participation=0.5)
    results = run(task)
    assert [result.number for result in results] == [1, 2, 3, 4, 5, 6]
    assert {result.cohort for result in results} == {2}  # half of five, rounded to even
    assert all(np.isfinite(result.train_loss) for result in results)
    assert {a.dtype for result in results for a in result.arrays.values()} == {np.dtype(np.float32)}


def test_small_steps_on_a_convex_loss_lower_it_every_round(make_task, run):
    task = make_task("linear", training=Training(lr=0.05, batch_size=100))
    losses = [result.train_loss for result in run(task, rounds=20)]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 20


def test_rounds_that_are_done_are_not_repeated(make_task, run):
    task = make_task()
    done = RoundResult(ROUNDS, task.initial(), float("nan"), 0)
    assert run(task, start=done) == []


def test_a_cohort_of_none_leaves_the_model(make_task, run):
    task = make_task(sizes=(0, 0, 0))
    results = run(task, rounds=2)
    assert [(result.number, result.cohort) for result in results] == [(1, 0), (2, 0)]
    assert np.isnan(results[-1].train_loss)
    assert_same_model(results[-1].arrays, task.initial())


@each_strategy
def test_empty_clients_change_nothing(strategy, make_task, run):
    """The clients after an empty one only get another number: another batch order, so one batch each."""
    training = Training(batch_size=100, lr=0.2)
    with_empty, without = (
        make_task(sizes=sizes, training=training) for sizes in ((4, 0, 3, 0, 5, 2), (4, 3, 5, 2))
    )
    there, here = (run(task, strategy, rounds=3)[-1].arrays for task in (with_empty, without))
    for name in there:
        np.testing.assert_allclose(there[name], here[name], atol=1e-6)


@pytest.mark.parametrize("stack", [1, 2, "all"])
def test_a_failing_client_is_named_with_its_traceback(stack, make_task, run):
    task = replace(make_task(), enough=1.0)
    task.train.rows[task.train.offsets[4]] = 999  # a row that is not there
    with pytest.raises(EngineError, match="client 4 failed in round 1") as caught:
        run(task, stack=stack)
    assert "\n" not in str(caught.value)
    assert "index out of range" in str(caught.value)
    assert (caught.value.number, caught.value.client) == (1, 4)
    assert "Traceback" in caught.value.detail
    assert "local_update" in caught.value.detail


@pytest.mark.parametrize("strategy", ["fedavg", "fedmedian", "fedadam"])
def test_divergence_is_told(strategy, make_task, run):
    task = replace(make_task(training=Training(lr=1e30, batch_size=8)), enough=1.0)
    with pytest.raises(
        RoundError, match=r"diverged in round \d, at client \d: layer.* is not finite; lower training.lr"
    ) as caught:
        run(task, strategy)
    assert caught.value.number in range(1, ROUNDS + 1)
    assert caught.value.client in task.occupied


def test_a_loss_that_is_no_number_is_divergence_too(play):
    """A trimmed mean leaves aside the model of a client that is lost; the loss still tells of it."""
    updates = [0.1, float("nan"), float("nan"), float("nan"), 0.1]
    with pytest.raises(RoundError, match="round 1, at client 1: the training loss is not finite"):
        play(STRATEGIES.parse("fedtrimmedavg"), updates)


def test_a_strategy_that_raises_names_the_round(make_task, run):
    strategy = build("fedavg", make_task())
    strategy.aggregate_train = lambda number, replies: 1 / 0
    with pytest.raises(RoundError, match="round 1 failed: ZeroDivisionError: division by zero") as caught:
        run(make_task(), strategy)
    assert (caught.value.number, caught.value.client) == (1, None)
    assert "Traceback" in caught.value.detail


def test_a_target_that_must_not_be_trained_on_is_noticed(make_task, run):
    task = replace(make_task(), enough=1.0)
    task.targets[task.train.of(3)[0]] = float("nan")
    with pytest.raises(EngineError, match="diverged in round 1"):
        run(task)
