import numpy as np
import pytest

from fedsoft.annotators import AnnotatorPool
from fedsoft.errors import DataError
from fedsoft.streams import stream

VOTES = np.tile([[6, 3, 1], [0, 10, 0]], (20_000, 1))
LABELS = np.tile([0, 1], 20_000)


def test_without_options_all_votes_are_bought_as_they_are():
    np.testing.assert_array_equal(AnnotatorPool().collect(VOTES, LABELS, stream("pool")), VOTES)


def test_votes_are_bought_and_then_slip():
    pool = AnnotatorPool.parse({"votes": 2, "noise": {"name": "slips", "rate": 0.2}})
    collected = pool.collect(VOTES, LABELS, stream("pool"))
    assert (collected.sum(axis=1) == 2).all()
    # two of 6, 3, 1: 1.2, .6, .2; each keeps .8 and gets .1 of the others
    np.testing.assert_allclose(
        collected[::2].mean(axis=0), [1.04, 0.62, 0.34], atol=5 * 0.7 / np.sqrt(20_000)
    )


def test_more_votes_than_there_are():
    with pytest.raises(DataError, match="11 votes an example"):
        AnnotatorPool(votes=11).collect(VOTES, LABELS, stream("pool"))


@pytest.mark.parametrize(
    "table", [{}, {"votes": 3, "noise": "none"}, {"noise": {"name": "slips", "rate": 0.1}}]
)
def test_a_pool_is_written_as_it_is_read(table):
    pool = AnnotatorPool.parse(table)
    assert AnnotatorPool.parse(pool.model_dump()) == pool


@pytest.mark.parametrize(
    ("options", "all_of_them"),
    [({}, True), ({"votes": 5}, False), ({"noise": {"name": "slips", "rate": 0.1}}, False)],
)
def test_a_pool_takes_all_votes_as_they_are_unless_told(options, all_of_them):
    assert AnnotatorPool.parse(options).takes_all == all_of_them
