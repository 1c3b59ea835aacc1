"""Softness and dose, by hand."""

import numpy as np
import pytest

from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, describe_targets, dose, supervise


def test_description_by_hand():
    targets = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], [0.25] * 4])
    described = describe_targets(targets, np.array([0, 0, 3, 1]))
    third = -sum(p * np.log(p) for p in (0.1, 0.2, 0.3, 0.4))
    assert described["entropy"] == pytest.approx((np.log(2) + 0 + third + np.log(4)) / 4)
    assert described["top_mass"] == pytest.approx((0.5 + 1 + 0.4 + 0.25) / 4)
    # a tie of two counts half, the second row is a shift, the third none, a tie of four three quarters
    assert described["mode_shift_rate"] == pytest.approx((1 / 2 + 1 + 0 + 3 / 4) / 4)


def test_dose_is_the_mass_that_moves():
    assert dose(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.7, 0.3]])) == pytest.approx(0.6)
    assert dose(np.eye(3), np.eye(3)) == 0
    assert dose(np.eye(3), np.roll(np.eye(3), 1, axis=1)) == 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("human_soft_mode_matched", "hard", (0.4 + 0.3 + 0.3) / 3),  # mass off the label
        ("mass_only", "hard", (0.4 + 0.3 + 0.3) / 3),  # as much
        ("human_hard", "hard", 1 / 3),  # one mode in three is shifted
        ("human_soft", "human_soft_mode_matched", (0 + 0 + 0.4) / 3),  # .7 - .3 moves in the shifted row
        ("mass_only", "human_soft_mode_matched", (0.2 + 0.15 + 0.15) / 3),  # .4 0 -> .2 .2; .3 0 -> .15 .15
    ],
)
def test_doses_of_contrasts(first, second, expected, evidence):
    three = evidence([[6, 4, 0], [0, 7, 3], [3, 7, 0]], labels=[0, 1, 0])
    pair = [supervise(SOURCES.parse(name), three, None, stream)[0] for name in (first, second)]
    assert dose(*pair) == pytest.approx(expected)
