"""Dealing a dataset: training, validation and test."""

import numpy as np
import pytest

from fedsoft.scenarios import PARTITIONS, Known, deal, difficulty_of
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 4, 1_000)
GROUPS = stream("groups").integers(0, 12, 1_000)
VOTES = stream("votes").multinomial(5, [0.7, 0.2, 0.1], 1_000)
DIFFICULTY = difficulty_of(VOTES)
IS_TEST = stream("fold").random(1_000) < 0.2
PARTITION = PARTITIONS.parse({"name": "dirichlet", "alpha": 0.3, "smallest": 1})


def dealt(seed=0, clients=6, partition=PARTITION, groups=None, difficulty=None, **options):
    known = Known(LABELS, groups, difficulty)
    return deal(
        known, ~IS_TEST, IS_TEST, partition, clients, lambda purpose: stream(purpose, seed=seed), **options
    )


@pytest.mark.parametrize("partition", [p for p in PARTITIONS.names() if not PARTITIONS.get(p).overlaps])
def test_every_example_is_in_one_place(partition):
    groups = GROUPS // 4 if partition == "natural_dirichlet" else GROUPS
    d = dealt(partition=PARTITIONS.parse(partition), groups=groups, difficulty=DIFFICULTY)
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
    d = deal(Known(labels), labels != 1, labels == 1, PARTITIONS.parse("iid"), 4, stream)
    assert d.test.sizes.tolist() == [3, 3, 3, 3]


def test_the_same_streams_deal_the_same():
    first, again, other = dealt(), dealt(), dealt(seed=1)
    for part in ("train", "validation", "test"):
        one, two, three = (getattr(d, part) for d in (first, again, other))
        np.testing.assert_array_equal(one.rows, two.rows)
        np.testing.assert_array_equal(one.offsets, two.offsets)
        assert not np.array_equal(one.rows, three.rows)


def test_clients_of_natural_groups_are_tested_on_their_own():
    d = dealt(partition=PARTITIONS.parse("natural"), groups=GROUPS)
    for client in range(6):
        mine = set(GROUPS[d.train.of(client)])
        assert set(GROUPS[d.test.of(client)]) == set(GROUPS[d.validation.of(client)]) == mine
    assert d.strangers == 0


def test_groups_that_nobody_holds_are_tested_by_all_and_counted():
    """Where group 3 is for testing only, its examples go by label proportions, others to their clients."""
    tested = IS_TEST | (GROUPS == 3)
    d = deal(Known(LABELS, GROUPS), ~tested, tested, PARTITIONS.parse("natural"), 6, stream)
    assert d.strangers == (GROUPS == 3).sum()
    strangers = GROUPS[d.test.rows] == 3
    assert len(set(d.test.owner[strangers])) == 6
    owner = dict(zip(GROUPS[d.train.rows], d.train.owner, strict=True))
    assert all(
        owner[GROUPS[row]] == k for row, k in zip(d.test.rows, d.test.owner, strict=True) if GROUPS[row] != 3
    )


PEOPLE = np.sort(stream("people").integers(0, 300, 1_000))
LEFT_OUT = PEOPLE % 5 == 0


def dealt_people(name, clients=6, people=PEOPLE, **options):
    partition = PARTITIONS.parse({"name": name, **options})
    known = Known(LABELS, people, DIFFICULTY)
    return deal(known, ~LEFT_OUT, LEFT_OUT, partition, clients, stream, people=people)


@pytest.mark.parametrize(
    "name", ["iid", "dirichlet", "natural", "pathological", "shards", "quantity_skew", "by_difficulty"]
)
def test_people_are_with_one_client_and_in_one_part(name):
    d = dealt_people(name)
    parts = [set(PEOPLE[part.of(k)]) for k in range(6) for part in (d.train, d.validation)]
    parts.append(set(PEOPLE[d.test.rows]))
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(set(PEOPLE))
    held = d.train.sizes + d.validation.sizes
    assert (d.validation.sizes <= held // 10).all()
    assert d.validation.sizes.sum() > 0.9 * (held // 10).sum()
    np.testing.assert_array_equal(
        np.sort(np.concatenate([d.train.rows, d.validation.rows])), np.flatnonzero(~LEFT_OUT)
    )
    assert d.strangers == (len(d.test.rows) if name == "natural" else 0)


def test_skew_is_in_peoples_commonest_labels():
    """Every person has one class here, so that shares of classes are as skewed as without people."""
    labels = PEOPLE % 4
    known = Known(labels, PEOPLE)
    d = deal(known, ~LEFT_OUT, LEFT_OUT, PARTITION, 6, stream, people=PEOPLE)
    largest = [np.bincount(labels[d.train.of(k)]).max() / d.train.sizes[k] for k in range(6)]
    assert np.mean(largest) > 0.5
    even = deal(known, ~LEFT_OUT, LEFT_OUT, PARTITIONS.parse("iid"), 6, stream, people=PEOPLE)
    assert max(np.bincount(labels[even.train.of(k)]).max() / even.train.sizes[k] for k in range(6)) < 0.45


def test_shared_examples_validate_on_other_people():
    d = dealt_people("overlapping", examples=30)
    assert not set(PEOPLE[d.train.rows]) & set(PEOPLE[d.validation.rows])
    assert 0.9 * (~LEFT_OUT).sum() / 10 < len(d.validation.rows) <= (~LEFT_OUT).sum() // 10


def test_a_client_of_one_person_validates_on_single_examples():
    people = np.where(LEFT_OUT, 100, np.arange(1_000) % 6)
    d = dealt_people("natural", people=people)
    np.testing.assert_array_equal(d.validation.sizes, (d.train.sizes + d.validation.sizes) // 10)
