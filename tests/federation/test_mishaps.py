"""Clients that are gone, late or failing cost their updates, and not the run."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.federation.exchange import RoundError
from fedsoft.federation.grids import InProcessGrid
from fedsoft.scenarios import Fate, Mishaps

EVERYTHING = Mishaps(dropped=0.2, late=0.2, failing=0.2)


@pytest.fixture
def run(federate):
    """Results of all rounds."""

    def play(task, strategy="fedavg", rounds=6, stack="all"):
        return federate(strategy, InProcessGrid(task, stack), rounds)

    return play


def test_who_is_lost_is_counted_and_the_others_are_averaged(make_task, run):
    """With the others' examples alone the round is the same: a mean over those whose updates arrived."""
    task = replace(make_task(), mishaps=EVERYTHING, enough=0.0)
    results = run(task)
    for result in results:
        fates = task.fates(result.number)[task.cohort(result.number)]
        assert result.dropped == (fates == Fate.DROPPED).sum()
        assert result.late == (fates == Fate.LATE).sum()
        assert [one.client for one in result.failures] == np.array(task.cohort(result.number))[
            fates == Fate.FAILING
        ].tolist()
        assert all(one.chance and one.number == result.number for one in result.failures)
        assert result.cohort == (fates == Fate.WELL).sum()
    first = results[0]
    there = [k for k in task.cohort(1) if task.fates(1)[k] == Fate.WELL]
    alone = replace(task, mishaps=Mishaps())
    alone.__dict__["occupied"] = np.array(there)
    for name, array in run(alone, rounds=1)[0].arrays.items():
        np.testing.assert_array_equal(array, first.arrays[name])


def test_a_round_of_too_few_leaves_the_model_as_it_is(make_task, run):
    task = replace(make_task(), mishaps=Mishaps(dropped=1.0))
    for result in run(task, rounds=2):
        assert (result.cohort, result.dropped, result.sent) == (0, len(task.occupied), 0)
        for name, array in task.initial().items():
            np.testing.assert_array_equal(result.arrays[name], array)


@pytest.mark.parametrize("stack", [1, 2])
def test_the_same_bits_at_any_stack(stack, make_task, run):
    task = replace(make_task(), mishaps=EVERYTHING, enough=0.0)
    first, second = run(task, stack=stack), run(task, stack=stack)
    for one, two in zip(first, second, strict=True):
        assert one.failures == two.failures
        for name in one.arrays:
            np.testing.assert_array_equal(one.arrays[name], two.arrays[name])


def test_a_client_that_raises_costs_its_update_where_enough_are_left(make_task, run):
    task = make_task()
    task.targets[task.train.of(3)[0]] = float("nan")
    result = run(task, rounds=1)[0]
    (failure,) = result.failures
    assert (failure.client, failure.chance) == (3, False)
    assert failure.cause.endswith("is not finite")
    assert result.cohort == len(task.occupied) - 1
    with pytest.raises(RoundError, match="diverged in round 1, at client 3"):
        run(replace(task, enough=1.0), rounds=1)


def test_a_strategy_that_lacks_updates_skips_the_round(make_task):
    from fedsoft.federation import STRATEGIES
    from fedsoft.federation.at_server import AtServer
    from fedsoft.federation.results import RoundResult
    from fedsoft.federation.rounds import play_round

    task = replace(make_task(), mishaps=Mishaps(dropped=0.3), enough=0.0)
    strategy = STRATEGIES.parse("krum").build(AtServer.of(task))
    state = RoundResult(0, task.initial(), float("nan"), 0)
    at_work = play_round(strategy, InProcessGrid(task), state, suits=lambda size: size >= 50)
    with pytest.raises(StopIteration) as end:
        at_work.send(next(at_work).alone())
    assert end.value.value.cohort == 0
    assert end.value.value.failures == ()


def test_bytes_are_those_of_the_models_both_ways(make_task, run):
    task = replace(make_task(), mishaps=Mishaps(dropped=0.2, late=0.3), enough=0.0)
    size = sum(array.nbytes for array in task.initial().values())
    for result in run(task):
        assert result.sent == 2 * size * (result.cohort + result.late)
