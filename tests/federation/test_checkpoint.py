"""A strategy's state as arrays and JSON."""

import json

import numpy as np
import pytest

from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_record


def plain(value):
    """A state that can be compared: Flower's records as named arrays, functions left out."""
    if hasattr(value, "to_numpy_ndarrays"):
        return {name: array.numpy().tolist() for name, array in value.items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def state(strategy):
    return {name: plain(value) for name, value in vars(strategy).items() if not callable(value)}


@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_fresh_strategy_takes_over_the_state(name, rounds, make_task, federate):
    task = make_task()
    used = STRATEGIES.parse(name).build(AtServer.of(task))
    federate(used, InProcessGrid(task), rounds)
    arrays, kinds = strategy_state(used)
    fresh = STRATEGIES.parse(name).build(AtServer.of(task))
    restore_strategy(fresh, arrays, json.loads(json.dumps(kinds)))
    np.testing.assert_equal(state(fresh), state(used))  # where NaN is NaN
    for attribute, value in vars(used).items():
        assert type(getattr(fresh, attribute)).__name__ == type(value).__name__  # our records have Flower's


def test_every_kind_of_attribute_round_trips(make_task):
    task = make_task()
    strategy = STRATEGIES.parse("fedavg").build(AtServer.of(task))
    strategy.record = to_record({"a": np.ones((2, 1), np.float32), "b": np.float64(3)})
    strategy.by_name, strategy.empty = {"x": np.arange(3)}, {}
    strategy.in_order = [np.zeros(2), np.ones(1)]
    strategy.alone, strategy.number, strategy.nothing = np.eye(2), 0.1, None
    arrays, kinds = strategy_state(strategy)
    assert set(arrays) == {"record/a", "record/b", "by_name/x", "in_order/0", "in_order/1", "alone"}
    fresh = STRATEGIES.parse("fedavg").build(AtServer.of(task))
    restore_strategy(fresh, arrays, json.loads(json.dumps(kinds)))
    assert state(fresh) == state(strategy)


def test_a_state_that_cannot_be_stored_is_told(make_task):
    task = make_task()
    strategy = STRATEGIES.parse("fedavg").build(AtServer.of(task))
    strategy.clients = {1, 2}
    with pytest.raises(TypeError, match=r"FedAvg\.clients is a set, not a state to save"):
        strategy_state(strategy)
