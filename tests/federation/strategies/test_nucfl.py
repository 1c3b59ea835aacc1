"""NUCFL: the calibration losses of old, weighted by similarity."""

import numpy as np
import pytest

from fedsoft.federation.grids import InProcessGrid
from fedsoft.training import LOSSES, Training


@pytest.mark.parametrize("gap", ["dca", "mdca"])
@pytest.mark.parametrize("similarity", ["cosine", "cka"])
def test_with_one_step_a_round_it_is_fedavg_with_a_calibration_loss(gap, similarity, make_task, federate):
    """In the first step of a round the local model is the global one, so their similarity is 1."""
    training = Training(batch_size=100, lr=0.3)
    plain = training.model_copy(update={"loss": LOSSES.parse({"name": gap, "beta": 1.5})})
    choice = {"name": "nucfl", "beta": 1.5, "gap": gap, "similarity": similarity}
    ours = federate(choice, InProcessGrid(make_task(training=training)), 3)[-1]
    theirs = federate("fedavg", InProcessGrid(make_task(training=plain)), 3)[-1]
    assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
    for name, array in theirs.arrays.items():
        np.testing.assert_allclose(ours.arrays[name], array, atol=1e-6)
    without = federate("fedavg", InProcessGrid(make_task(training=training)), 3)[-1]
    assert any(np.abs(ours.arrays[name] - array).max() > 1e-3 for name, array in without.arrays.items())


def test_a_weight_of_none_is_fedavg_bitwise(make_task, federate):
    task = make_task()
    ours = federate({"name": "nucfl", "beta": 0}, InProcessGrid(task), 3)[-1]
    for name, array in federate("fedavg", InProcessGrid(task), 3)[-1].arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_clients_are_told_and_send_nothing_besides(make_task, federate, play):
    from fedsoft.federation import STRATEGIES

    options = STRATEGIES.parse({"name": "nucfl", "beta": 0.5, "similarity": "cka"})
    (config,) = play(options, [1.0, 3.0]).configs
    assert config == {"server-round": 1, "calibration": "dca", "calibration-beta": 0.5, "similarity": "cka"}
    sent = [federate(name, InProcessGrid(make_task()), 1)[-1].sent for name in ("nucfl", "fedavg")]
    assert sent[0] == sent[1]
