"""Dealing a dataset: training, validation and test."""

import numpy as np
import pytest

from fedsoft.scenarios import PARTITIONS, deal
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 4, 1_000)
GROUPS = stream("groups").integers(0, 12, 1_000)
IS_TEST = stream("fold").random(1_000) < 0.2
PARTITION = PARTITIONS.parse({"name": "dirichlet", "alpha": 0.3, "smallest": 1})


def dealt(seed=0, clients=6, partition=PARTITION, **options):
    return deal(
        LABELS, ~IS_TEST, IS_TEST, partition, clients, lambda purpose: stream(purpose, seed=seed), **options
    )


@pytest.mark.parametrize("partition", [p for p in PARTITIONS.names() if not PARTITIONS.get(p).overlaps])
def test_every_example_is_in_one_place(partition):
    d = dealt(partition=PARTITIONS.parse(partition), groups=GROUPS)
    rows = np.concatenate([d.train.rows, d.validation.rows, d.test.rows])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1_000))
    np.testing.assert_array_equal(np.sort(d.test.rows), np.flatnonzero(IS_TEST))
    assert len(d.train) == len(d.validation) == len(d.test) == 6


@pytest.mark.parametrize("clients", [3, 400])
def test_only_training_examples_are_shared(clients):
    """What validates and what tests belongs to one client each, and nobody trains on it."""
    d = dealt(partition=PARTITIONS.parse({"name": "overlapping", "examples": 30}), clients=clients)
    assert d.train.sizes.tolist() == [30] * clients
    train, validation = np.unique(d.train.rows), np.sort(d.validation.rows)
    assert not set(train) & set(validation)
    assert len(validation) == len(np.unique(validation)) == np.sum(~IS_TEST) // 10
    np.testing.assert_array_equal(np.sort(d.test.rows), np.flatnonzero(IS_TEST))
    assert not IS_TEST[train].any()
    assert not IS_TEST[validation].any()
    if clients == 400:
        assert len(train) + len(validation) == np.sum(~IS_TEST)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_the_validation_share_is_each_clients_own(share):
    d = dealt(validation_share=share)
    held = d.train.sizes + d.validation.sizes
    np.testing.assert_array_equal(d.validation.sizes, np.floor(share * held))


def test_validation_is_drawn_at_random():
    """A tenth of the time each, whatever the row's place."""
    chosen = np.zeros(1_000)
    for seed in range(200):
        chosen[dealt(seed, partition=PARTITIONS.parse("iid")).validation.rows] += 1 / 200
    train = np.flatnonzero(~IS_TEST)
    share = dealt(partition=PARTITIONS.parse("iid")).validation.sizes.sum() / len(train)
    first, last = chosen[train[: len(train) // 2]].mean(), chosen[train[len(train) // 2 :]].mean()
    assert first == pytest.approx(share, abs=0.01)
    assert last == pytest.approx(share, abs=0.01)
    assert chosen[train].min() > 0
    assert chosen[train].max() < 0.25


def test_test_examples_follow_the_clients_labels():
    """Class by class, a client's part of the test fold is its part of the rest, up to one example."""
    d = dealt()
    for label in range(4):

        def counts(clients, label=label):
            return np.bincount(clients.owner[LABELS[clients.rows] == label], minlength=6)

        held, tested = counts(d.train) + counts(d.validation), counts(d.test)
        np.testing.assert_allclose(tested, held / held.sum() * tested.sum(), atol=1)


def test_a_class_that_nobody_trains_on_is_tested_by_all():
    labels = np.array([0] * 40 + [1] * 12)
    d = deal(labels, labels != 1, labels == 1, PARTITIONS.parse("iid"), 4, stream)
    assert d.test.sizes.tolist() == [3, 3, 3, 3]


def test_the_same_streams_deal_the_same():
    first, again, other = dealt(), dealt(), dealt(seed=1)
    for part in ("train", "validation", "test"):
        one, two, three = (getattr(d, part) for d in (first, again, other))
        np.testing.assert_array_equal(one.rows, two.rows)
        np.testing.assert_array_equal(one.offsets, two.offsets)
        assert not np.array_equal(one.rows, three.rows)
