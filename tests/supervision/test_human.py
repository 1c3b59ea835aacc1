"""Sources made of people's answers, by hand."""

import numpy as np
import pytest

from fedsoft.errors import DataError
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise


def targets(name, evidence, seed=0, **options):
    return supervise(
        SOURCES.parse({"name": name, **options}), evidence, None, lambda purpose: stream(purpose, seed=seed)
    )[0]


@pytest.fixture
def three(evidence):
    """The label is the mode; it is not; it is nobody's choice."""
    return evidence([[7, 2, 1], [1, 6, 3], [0, 4, 6]], labels=[0, 2, 0])


def test_hard_is_the_label(three):
    np.testing.assert_array_equal(targets("hard", three), [[1, 0, 0], [0, 0, 1], [1, 0, 0]])


def test_human_hard_differs_from_hard_in_the_mode_alone(three):
    np.testing.assert_array_equal(targets("human_hard", three), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_human_soft_is_the_share_of_votes(three):
    np.testing.assert_allclose(
        targets("human_soft", three), [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0, 0.4, 0.6]]
    )


def test_mode_matched_swaps_the_masses_of_mode_and_label(three):
    np.testing.assert_allclose(
        targets("human_soft_mode_matched", three), [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.6, 0.4, 0]]
    )


def test_ties_are_split_evenly_whatever_the_label(evidence):
    n = 20_000
    even = evidence([[2, 2, 1]] * n, labels=[0] * (n // 2) + [1] * (n // 2))
    chosen = targets("human_hard", even)
    agrees = chosen[np.arange(n), even.labels]
    assert chosen[:, 2].sum() == 0
    assert abs(agrees.mean() - 1 / 2) < 5 * 0.5 / np.sqrt(n)
    np.testing.assert_array_equal(targets("human_soft_mode_matched", even), even.soft)


def test_ties_below_a_label_that_nobody_chose(evidence):
    n = 20_000
    matched = targets("human_soft_mode_matched", evidence([[2, 2, 0]] * n, labels=[2] * n))
    assert (matched[:, 2] == 0.5).all()
    assert abs(matched[:, 0].mean() - 0.25) < 5 * 0.25 / np.sqrt(n)


def test_votes_k_differs_from_human_soft_in_sampling_alone(evidence):
    n = 20_000
    drawn = targets("votes_k", evidence([[6, 3, 1]] * n, labels=[0] * n), k=2)
    np.testing.assert_array_equal(drawn * 2, np.round(drawn * 2))
    np.testing.assert_allclose(drawn.mean(axis=0), [0.6, 0.3, 0.1], atol=5 * 0.5 / np.sqrt(n))
    # without replacement: the lone vote for the last class is never drawn twice
    assert drawn[:, 2].max() == 0.5
    # variance of a share: p (1-p)/k · (10-k)/(10-1)
    assert drawn[:, 0].var() == pytest.approx(0.6 * 0.4 / 2 * 8 / 9, rel=0.05)


def test_all_votes_are_human_soft(three):
    np.testing.assert_array_equal(targets("votes_k", three, k=10), three.soft)


def test_more_votes_than_there_are(three):
    with pytest.raises(DataError, match="11 votes an example"):
        targets("votes_k", three, k=11)
