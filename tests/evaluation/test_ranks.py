import numpy as np
import pytest
from scipy.stats import rankdata

from fedsoft.evaluation import cliques, critical_difference, mean_ranks
from fedsoft.streams import stream

DEMSAR = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
"""Critical values of the two-tailed Nemenyi test at 0.05: Demšar 2006, table 5 (a)."""


@pytest.mark.parametrize(("compared", "q"), DEMSAR.items())
def test_critical_values_are_the_published_ones(compared, q):
    scale = np.sqrt(compared * (compared + 1) / 6)
    assert critical_difference(compared, 1) == pytest.approx(q * scale, abs=0.0011 * scale)


def test_the_critical_difference_of_demsars_example():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)  # his section 3.2.2
    assert critical_difference(4, 14, 0.1) == pytest.approx(1.12, abs=0.005)


def test_ranks_are_scipys():
    losses = stream("ranks").integers(0, 4, (20, 5)).astype(float)
    assert mean_ranks(losses) == pytest.approx(rankdata(losses, axis=1).mean(axis=0))


def test_strategies_that_are_alike_share_a_rank():
    losses = np.array([[0.1, 0.3, 0.1], [0.5, 0.2, 0.5]])
    assert mean_ranks(losses).tolist() == [2.0, 2.0, 2.0]
    assert mean_ranks(losses[:1]).tolist() == [1.5, 3.0, 1.5]


def test_groups_are_the_largest_within_the_difference():
    ranks = np.array([4.0, 1.0, 1.8, 2.5])
    assert cliques(ranks, 1.6) == [[1, 2, 3], [3, 0]]
    assert cliques(ranks, 0.5) == []
    assert cliques(ranks, 9.0) == [[1, 2, 3, 0]]
