"""What losses on training and on validation examples come to."""

import numpy as np
import pytest

from fedsoft.privacy import charge_calibration

HELD = {"client": np.array([3, 5]), "annotator": np.array([0, 2, 7])}
SPENT = {
    "epsilon_per_vote_max": 1.0,
    "epsilon_per_image_max": 4.0,
    "epsilon_per_image_mean": 3.0,
    "epsilon_per_client_max": 10.0,
    "epsilon_per_client_mean": 8.0,
    "epsilon_per_annotator_max": 6.0,
    "delta": 1e-6,
}


def test_examples_apart_compose_in_parallel_and_holders_in_sequence():
    assert charge_calibration(SPENT, 2.0, 5.0, HELD) == {
        "epsilon_per_vote_max": 2.0,  # the larger: a vote is on a training or on a validation image
        "epsilon_per_image_max": 4.0,
        "epsilon_per_image_mean": 3.0,
        "epsilon_per_client_max": 10.0 + 2 * 5,  # all that it holds, each validation answer at 2
        "epsilon_per_client_mean": 8.0 + 2 * 4,
        "epsilon_per_annotator_max": 6.0 + 2 * 7,
        "delta": 1e-6,
        "epsilon_calibration": 2.0,
    }


def test_whole_examples_cost_what_they_cost():
    spent = {
        "epsilon_per_vote_max": 1.0,
        "model_epsilon_per_example_max": 1.0,
        "model_epsilon_per_client_max": 1.0,
    }
    assert charge_calibration(spent, 2.0, 5.0, HELD) == {
        "epsilon_per_vote_max": 2.0,  # a label costs what it costs alone
        "model_epsilon_per_example_max": 5.0,
        "model_epsilon_per_client_max": pytest.approx(26.0),
        "epsilon_calibration": 2.0,
    }


def test_training_in_the_clear_is_not_made_private():
    assert charge_calibration({}, 0.5, 1.0, HELD) == {"epsilon_calibration": 0.5}
