"""Strategies that weigh and guide clients, where they do: with random labels at every fourth client."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.grids import InProcessGrid
from fedsoft.scenarios import Fate, Mishaps

each = pytest.mark.parametrize("name", ["fedqual", "fedds", "fedsir"])
ROUNDS = 4


@each
def test_it_is_not_fedavg_here(name, noisy_task, federate):
    ours, plain = (federate(one, InProcessGrid(noisy_task), ROUNDS)[-1].arrays for one in (name, "fedavg"))
    assert max(np.abs(ours[n] - array).max() for n, array in plain.items()) > 0.01


@each
def test_stacks_agree(name, noisy_task, federate):
    one, five, whole = (
        federate(name, InProcessGrid(noisy_task, stack), ROUNDS)[-1].arrays for stack in (1, 5, "all")
    )
    for parameter, array in one.items():
        np.testing.assert_allclose(five[parameter], array, atol=1e-4)
        np.testing.assert_allclose(whole[parameter], array, atol=1e-4)


@each
def test_resumed_from_any_round_it_is_the_same_bitwise(name, noisy_task, federate):
    whole = federate(name, InProcessGrid(noisy_task), ROUNDS)
    for stop in range(1, ROUNDS):
        first, second = (STRATEGIES.parse(name).build(AtServer.of(noisy_task)) for _ in range(2))
        part = federate(first, InProcessGrid(noisy_task), stop)[-1]
        arrays, kinds = strategy_state(first)
        restore_strategy(second, arrays, json.loads(json.dumps(kinds)))
        resumed = federate(second, InProcessGrid(noisy_task), ROUNDS, part)[-1]
        for parameter, array in whole[-1].arrays.items():
            np.testing.assert_array_equal(resumed.arrays[parameter], array)


@pytest.mark.parametrize(("name", "state"), [("fedqual", "quality"), ("fedsir", "noisy")])
def test_of_clients_that_are_lost_nothing_is_learnt(name, state, noisy_task, federate):
    task = replace(noisy_task, mishaps=Mishaps(dropped=0.2, late=0.1, failing=0.1), enough=0.0)
    strategy = STRATEGIES.parse(name).build(AtServer.of(task))
    before = getattr(strategy, state)
    (result,) = federate(strategy, InProcessGrid(task), 1)
    lost = task.fates(1) != Fate.WELL
    assert 0 < lost.sum() < len(lost) - 7
    assert result.cohort == len(lost) - lost.sum()
    after = getattr(strategy, state)
    np.testing.assert_array_equal(after[lost], before[lost])
    assert (after != before).any()
