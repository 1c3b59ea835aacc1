"""Clients whose examples overlap."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Known, overlapping
from fedsoft.streams import stream

LABELS = np.repeat([0, 1, 2], [20, 30, 50])


def drawn(clients, labels=LABELS, seed=0, **options):
    partition = PARTITIONS.parse({"name": "overlapping", "examples": 8, **options})
    return partition.views(Known(labels), clients, stream("partition", seed=seed))


@pytest.mark.parametrize("alpha", [None, 0.3])
def test_each_client_holds_as_many_as_asked_none_of_them_twice(alpha, monkeypatch):
    monkeypatch.setattr(overlapping, "AT_ONCE", 1_000)  # ten clients at a time
    held = drawn(205, alpha=alpha)
    assert held.sizes.tolist() == [8] * 205
    for client in range(205):
        assert (np.diff(held.of(client)) > 0).all()
    np.testing.assert_array_equal(held.rows, drawn(205, alpha=alpha).rows)
    assert (held.rows != drawn(205, alpha=alpha, seed=1).rows).any()


def test_without_skew_every_pair_of_examples_is_held_as_often():
    held = drawn(20_000, labels=np.zeros(6, dtype=int), examples=3)
    together = np.zeros((6, 6))
    for place in range(3):
        for other in range(3):
            if place != other:
                np.add.at(together, (held.rows[place::3], held.rows[other::3]), 1)
    shares = together[~np.eye(6, dtype=bool)] / 20_000  # 3/6 · 2/5
    np.testing.assert_allclose(shares, 0.2, atol=5 * np.sqrt(0.16 / 20_000))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 20.0])
def test_class_shares_are_dirichlet(alpha):
    """One example a client is of a class with its share, so two are of one class as two draws from it are."""
    held = LABELS[drawn(20_000, examples=2, alpha=alpha).rows].reshape(-1, 2)
    np.testing.assert_allclose(np.bincount(held.ravel()) / 40_000, 1 / 3, atol=0.02)
    alike = (held[:, 0] == held[:, 1]).mean()  # E Σ p² = (alpha + 1) / (3 alpha + 1), less the second's loss
    assert alike == pytest.approx((alpha + 1) / (3 * alpha + 1), abs=0.03)


def test_a_class_that_is_used_up_leaves_the_others():
    held = drawn(300, examples=60, alpha=0.01)
    assert held.sizes.tolist() == [60] * 300
    counts = np.stack([np.bincount(LABELS[held.of(k)], minlength=3) for k in range(300)])
    full = counts[:, 2] == 50
    assert full.any()
    rest = counts[full, 0] / 10  # where no other class has any weight, by how many examples there are
    assert rest.mean() == pytest.approx(0.4, abs=0.15)


def test_all_may_hold_all_and_not_more():
    assert drawn(3, examples=100).rows.tolist() == [*range(100)] * 3
    with pytest.raises(StudyFileError, match=r"each client 101 examples, and there are 100; lower"):
        drawn(3, examples=101)
