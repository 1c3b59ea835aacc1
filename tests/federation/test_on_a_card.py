"""Rounds of clients on a card end where those on a processor do, whatever the strategy."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.federation.grids import InProcessGrid
from fedsoft.scenarios import Mishaps
from fedsoft.training import Training

SIZES = (3, 0, 1, 8, 21, 12, 40, 9)
STRATEGIES = {
    "fedavg": {},
    "fedprox": {"mu": 0.3},
    "nucfl": {"beta": 0.5},
    "fedavgm": {"momentum": 0.8, "lr": 0.7},
    "fedadagrad": {"eta": 0.05, "tau": 0.1},
    "fedadam": {"eta": 0.05, "tau": 0.1},
    "fedyogi": {"eta": 0.05, "tau": 0.1},
    "fedmedian": {},
    "fedtrimmedavg": {"beta": 0.2},
    "multikrum": {"malicious": 1, "keep": 3},
    "scaffold": {},
}
"""With τ large enough that no step divides rounding by rounding; the last of them works with messages."""


@pytest.fixture(params=["mlp", "cnn"])
def on_both(request, make_task, device):
    """A run on a processor, and the same on a card."""
    task = replace(
        make_task(request.param, SIZES, training=Training(batch_size=8, lr=0.05)),
        mishaps=Mishaps(dropped=0.1, failing=0.1),
        enough=0.2,
    )
    return [
        replace(task, inputs=task.inputs.to(where), targets=task.targets.to(where))
        for where in ("cpu", device)
    ]


@pytest.mark.parametrize("name", STRATEGIES)
def test_rounds_are_those_of_a_processor(name, on_both, federate):
    spelled = {"name": name, **STRATEGIES[name]}
    there, here = (federate(spelled, InProcessGrid(task, 4), 3) for task in on_both)
    for one, other in zip(here, there, strict=True):
        assert (one.cohort, one.dropped, len(one.failures)) == (
            other.cohort,
            other.dropped,
            len(other.failures),
        )
        for parameter, array in other.arrays.items():
            np.testing.assert_allclose(one.arrays[parameter], array, rtol=0, atol=3e-6, err_msg=parameter)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_round_without_messages_is_one_with(name, on_both, federate):
    spelled = {"name": name, **STRATEGIES[name]}
    direct, told = (
        federate(spelled, InProcessGrid(on_both[1], 4, messages), 3) for messages in (False, True)
    )
    for one, other in zip(direct, told, strict=True):
        for parameter, array in other.arrays.items():
            np.testing.assert_allclose(one.arrays[parameter], array, rtol=0, atol=1e-6, err_msg=parameter)
