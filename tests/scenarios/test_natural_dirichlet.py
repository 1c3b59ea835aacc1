"""Groups of several clients each."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Known, deal
from fedsoft.scenarios.natural_dirichlet import _seats
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 10, 2_000)
COUNTRY = np.array(["a", "b", "c"])[np.searchsorted([0.5, 0.8, 1.0], stream("country").random(2_000))]
"""Three groups of about 1,000, 600 and 400."""


def owners(choice, clients, groups=COUNTRY):
    return PARTITIONS.parse(choice).owners(Known(LABELS, groups), clients, stream("partition"))


def counts_of(owner, clients):
    counts = np.zeros((clients, 10), dtype=int)
    np.add.at(counts, (owner, LABELS), 1)
    return counts


@pytest.mark.parametrize(
    ("sizes", "clients", "seats"),
    [([1_000, 600, 400], 10, [5, 3, 2]), ([1_000, 1, 1], 5, [3, 1, 1]), ([7, 7], 2, [1, 1])],
)
def test_groups_have_clients_in_proportion_to_their_sizes(sizes, clients, seats):
    assert _seats(np.array(sizes), clients).tolist() == seats


def test_every_client_is_of_one_group_and_skewed_in_it():
    choice = {"name": "natural_dirichlet", "alpha": 0.3}
    owner = owners(choice, 10)
    assert [set(COUNTRY[owner == client]) for client in range(10)] == [{"a"}] * 5 + [{"b"}] * 3 + [{"c"}] * 2
    assert np.bincount(owner).min() >= 10

    def skew(alpha):
        counts = counts_of(owners(choice | {"alpha": alpha}, 10), 10)
        return (counts.max(axis=1) / counts.sum(axis=1)).mean()

    assert skew(0.1) > 2 * skew(100)


def test_clients_of_a_group_are_tested_on_it_by_their_labels():
    tested = np.arange(2_000) % 5 == 0
    groups = np.where(np.arange(2_000) == 0, "z", COUNTRY)  # a stranger, tested
    partition = PARTITIONS.parse("natural_dirichlet")
    d = deal(Known(LABELS, groups), ~tested, tested, partition, 10, stream)
    np.testing.assert_array_equal(np.sort(d.test.rows), np.flatnonzero(tested))
    assert d.strangers == 1
    for client in range(10):
        mine = set(groups[d.train.of(client)])
        assert set(groups[d.test.of(client)]) - {"z"} == mine
    for name in "abc":
        for label in range(10):
            chosen = (groups == name) & (label == LABELS)

            def share(clients, chosen=chosen):
                return np.bincount(clients.owner[chosen[clients.rows]], minlength=10)

            held, there = share(d.train) + share(d.validation), share(d.test)
            np.testing.assert_allclose(there, held / held.sum() * there.sum(), atol=1.5)


def test_impossible_groups_are_told():
    with pytest.raises(StudyFileError, match="'natural_dirichlet' needs groups, and the data have none"):
        owners("natural_dirichlet", 5, None)
    with pytest.raises(StudyFileError, match="has 3 groups for 2 clients, and each takes one or more; raise"):
        owners("natural_dirichlet", 2)
    with pytest.raises(
        StudyFileError, match=r"of the .* examples of group a in which each of 5 clients has 250"
    ):
        owners({"name": "natural_dirichlet", "smallest": 250}, 10)
