import numpy as np
import pytest

from fedsoft.evaluation import share_within
from fedsoft.streams import stream


def test_a_balanced_table_by_hand():
    found = share_within(np.array([[0.0, 2.0], [4.0, 6.0]]))  # within 2; between 2 * 8 = 16
    assert found.estimate == pytest.approx(1 - (16 - 2) / (16 + 2))
    assert 0 <= found.low < found.estimate < found.high <= 1


def test_limits():
    assert share_within(np.array([[1.0, 1.0], [3.0, 3.0]])) == (0, 0, 0)
    assert share_within(np.array([[1.0, 3.0], [3.0, 1.0]])).estimate == 1
    assert np.isnan(share_within(np.zeros((3, 2))).estimate)


def test_the_published_example():
    # Shrout and Fleiss 1979, Psychological Bulletin 86:420, table 2: four ratings of six targets; ICC(1) is
    # .17, with limits of -0.13 and 0.72 by McGraw and Wong's formula.
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]]
    )
    found = share_within(ratings)
    assert 1 - found.estimate == pytest.approx(0.17, abs=0.005)
    assert 1 - found.low == pytest.approx(0.72, abs=0.005)
    assert found.high == 1


def test_intervals_hold_the_planted_share_as_often_as_they_say():
    rng, held = stream("luck"), 0
    for _ in range(400):
        values = rng.normal(0, 1, (8, 1)) + rng.normal(0, 2, (8, 3))  # 4 of 5 parts within
        found = share_within(values)
        held += found.low <= 0.8 <= found.high
    assert 370 <= held <= 391  # 380 expected, standard deviation 4.4
