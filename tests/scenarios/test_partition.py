"""Partitions that give every example to one client; others have tests of their own."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Known, difficulty_of
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 5, 1_000)
GROUPS = stream("groups").integers(0, 12, 1_000) * 10
SITES = GROUPS // 40
"""Three of them, of four groups each: fewer than clients."""
VOTES = stream("votes").multinomial(5, [0.7, 0.2, 0.1], 1_000)
ALL = [p for name in PARTITIONS.names() if not (p := PARTITIONS.parse(name)).overlaps]

each = pytest.mark.parametrize("partition", ALL, ids=lambda partition: partition.name)


def owners(partition, labels=LABELS, clients=7, seed=0, **options):
    if isinstance(partition, str):
        partition = PARTITIONS.parse({"name": partition, **options})
    groups = SITES if partition.name == "natural_dirichlet" else GROUPS
    known = Known(labels, groups[: len(labels)], difficulty_of(VOTES[: len(labels)]))
    return partition.owners(known, clients, stream("partition", seed=seed))


def skew(owner, clients=7):
    """Mean total variation between a client's label shares and everyone's."""
    shares = np.stack([np.bincount(LABELS[owner == k], minlength=5) for k in range(clients)])
    shares = shares / shares.sum(axis=1, keepdims=True)
    return np.abs(shares - np.bincount(LABELS) / len(LABELS)).sum(axis=1).mean() / 2


@each
def test_every_example_has_one_owner(partition):
    owner = owners(partition)
    assert owner.shape == LABELS.shape
    assert np.issubdtype(owner.dtype, np.integer)
    assert set(np.unique(owner)) == set(range(7))


@each
def test_the_stream_decides(partition):
    np.testing.assert_array_equal(owners(partition), owners(partition))
    assert (owners(partition) != owners(partition, seed=1)).any()


@pytest.mark.parametrize(
    "partition",
    ["iid", "dirichlet", "natural", "quantity_skew", "shards", {"name": "pathological", "classes": 5}],
)
def test_one_client_holds_all(partition):
    assert not owners(PARTITIONS.parse(partition), clients=1).any()


def test_iid_sizes_differ_by_one_at_most():
    sizes = np.bincount(owners("iid"))
    assert sorted(set(sizes)) == [142, 143]  # 1,000 = 6·143 + 142
    assert np.bincount(owners("iid", labels=LABELS[:3]), minlength=7).tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_iid_ignores_labels():
    assert skew(owners("iid")) < 0.1


def test_skew_grows_as_alpha_falls():
    skews = [
        np.mean([skew(owners("dirichlet", alpha=alpha, smallest=1, seed=seed)) for seed in range(20)])
        for alpha in (100, 10, 1, 0.1)
    ]
    assert skews == sorted(skews)
    assert skews[0] < 0.1
    assert skews[-1] > 0.5


@pytest.mark.parametrize("smallest", [1, 60])
def test_no_client_is_smaller_than_asked(smallest):
    for seed in range(20):
        assert np.bincount(owners("dirichlet", smallest=smallest, seed=seed)).min() >= smallest


@pytest.mark.parametrize(("smallest", "alpha"), [(143, 0.5), (130, 0.01)])
def test_an_impossible_split_is_told(smallest, alpha):
    with pytest.raises(StudyFileError, match=rf"dirichlet\(alpha={alpha}\).*7 clients has {smallest}; raise"):
        owners("dirichlet", smallest=smallest, alpha=alpha)


def test_a_balanced_dirichlet_gives_nothing_to_those_who_have_their_part():
    """Whoever has a seventh after some classes has none of those that follow; NIID-Bench's rule."""
    for seed in range(20):
        owner = owners("balanced_dirichlet", smallest=1, alpha=0.3, seed=seed)
        counts = np.stack([np.bincount(LABELS[owner == k], minlength=5) for k in range(7)])
        full = np.cumsum(counts, axis=1)[:, :-1] >= 1_000 / 7
        assert full.any()
        assert not counts[:, 1:][full].any()
    owners("balanced_dirichlet", smallest=1, alpha=1e-3)  # shares of 0 among those left do no harm


def test_natural_groups_stay_whole():
    owner = owners("natural")
    assert all(len(set(owner[group == GROUPS])) == 1 for group in np.unique(GROUPS))
    assert np.bincount(owners("natural", clients=12), minlength=12).tolist() != [0] * 12


def test_natural_needs_groups_enough():
    with pytest.raises(StudyFileError, match=r"needs groups.*choose iid or dirichlet"):
        PARTITIONS.parse("natural").owners(Known(LABELS), 3, stream("partition"))
    with pytest.raises(StudyFileError, match=r"12 groups for 13 clients; lower scenario.clients"):
        owners("natural", clients=13)
