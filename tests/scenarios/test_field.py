"""Our partitions and the field's have one distribution; where they differ on purpose, by how much.

The references are written from what the code of flwr-datasets 0.6.1 (`datasets/flwr_datasets/partitioner`)
and NIID-Bench (`utils.py`, 61b901a) does, in our own words; FedDyn's from its description.
"""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from fedsoft.scenarios import PARTITIONS, Known
from fedsoft.streams import stream

CLASSES, CLIENTS, DRAWS = 5, 7, 2_000
LABELS = np.repeat(np.arange(CLASSES), [100, 60, 90, 50, 105])


def cut(rows, shares):
    """Rows in consecutive parts, whose ends are rounded down: both libraries' way."""
    return np.split(rows, (np.cumsum(shares) * len(rows)).astype(int)[:-1])


def owned(parts, labels=LABELS):
    """(N,) the owner of each example, -1 for those in no part."""
    owner = np.full(len(labels), -1)
    for client, rows in enumerate(parts):
        owner[rows] = client
    return owner


def niid_homo(rng):
    return owned(np.array_split(rng.permutation(len(LABELS)), CLIENTS))


def by_dirichlet(rng, alpha, smallest=10, is_full=lambda size: False):
    """Both libraries' label skew; they differ in who is full, and gets nothing of further classes."""
    while True:
        parts = [np.empty(0, int)] * CLIENTS
        for label in range(CLASSES):
            shares = rng.dirichlet(np.full(CLIENTS, alpha))
            shares = shares * [not is_full(len(part)) for part in parts]
            rows = rng.permutation(np.flatnonzero(label == LABELS))
            new = cut(rows, shares / shares.sum())
            parts = [np.concatenate(both) for both in zip(parts, new, strict=True)]
        if min(map(len, parts)) >= smallest:
            return owned(parts)


def flwr_dirichlet(rng):
    return by_dirichlet(rng, 0.5)


def niid_labeldir(rng):
    return by_dirichlet(rng, 0.5, is_full=lambda size: size >= len(LABELS) / CLIENTS)


def split_among(holders, rng):
    """Examples of each class, split evenly among the clients that have it; no client, left out."""
    parts = [np.empty(0, int)] * CLIENTS
    for label in range(CLASSES):
        having = [client for client in range(CLIENTS) if label in holders[client]]
        for client, rows in zip(
            having,
            np.array_split(rng.permutation(np.flatnonzero(label == LABELS)), len(having) or 1),
            strict=False,
        ):
            parts[client] = np.concatenate([parts[client], rows])
    return owned(parts)


def niid_two_labels(rng):
    """`noniid-#label2`, and flwr-datasets' `first-deterministic`: rejection of classes that are there."""
    holders = []
    for client in range(CLIENTS):
        mine = [client % CLASSES]
        while len(mine) < 2:
            other = int(rng.integers(CLASSES))
            if other not in mine:
                mine.append(other)
        holders.append(mine)
    return split_among(holders, rng)


def flwr_random_pathological(rng):
    return split_among([rng.choice(CLASSES, 2, replace=False) for _ in range(CLIENTS)], rng)


def flwr_deterministic_pathological(rng):
    return split_among([[client % CLASSES, (client + 1) % CLASSES] for client in range(CLIENTS)], rng)


def flwr_shards(rng):
    order = np.lexsort((rng.random(len(LABELS)), LABELS))
    size = len(LABELS) // (2 * CLIENTS)
    shards = [order[start * size : (start + 1) * size] for start in rng.permutation(2 * CLIENTS)]
    return owned([np.concatenate(shards[2 * client : 2 * client + 2]) for client in range(CLIENTS)])


def niid_diff_quantity(rng, alpha=2.0):
    while True:
        shares = rng.dirichlet(np.full(CLIENTS, alpha))
        if shares.min() * len(LABELS) >= 10:
            return owned(cut(rng.permutation(len(LABELS)), shares))


def feddyn_lognormal(rng, sigma=0.8):
    """Sizes log-normal around the even part, scaled to the whole; again if one is below ten, as ours."""
    while True:
        sizes = rng.lognormal(np.log(len(LABELS) / CLIENTS), sigma, CLIENTS)
        parts = cut(rng.permutation(len(LABELS)), sizes / sizes.sum())
        if min(map(len, parts)) >= 10:
            return owned(parts)


def ours(choice):
    partition = PARTITIONS.parse(choice)
    return lambda rng: partition.owners(Known(LABELS), CLIENTS, rng)


def figures(draw, side="ours"):
    """What a reader would look at, by draw: sizes, classes and skew of single clients and of all."""
    rows = []
    for number in range(DRAWS):
        owner = draw(stream("draws", side=side, number=number))
        held = owner >= 0
        counts = np.zeros((CLIENTS, CLASSES), dtype=int)
        np.add.at(counts, (owner[held], LABELS[held]), 1)
        sizes = counts.sum(axis=1)
        rows.append(
            {
                "size of a client": sizes[3],
                "largest client": sizes.max(),
                "smallest client": sizes.min(),
                "classes of a client": (counts[4] > 0).sum(),
                "its share of the commonest": counts[4].max() / sizes[4],
                "examples of the last class": counts[2, -1],
                "clients with the last class": (counts[:, -1] > 0).sum(),
                "left out": len(owner) - held.sum(),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


SAME = [
    ("iid", niid_homo),
    ({"name": "dirichlet", "alpha": 0.5}, flwr_dirichlet),
    ({"name": "balanced_dirichlet", "alpha": 0.5}, niid_labeldir),
    ({"name": "pathological", "assignment": "first-deterministic"}, niid_two_labels),
    ({"name": "pathological", "assignment": "deterministic"}, flwr_deterministic_pathological),
    ({"name": "quantity_skew", "alpha": 2.0}, niid_diff_quantity),
    ({"name": "quantity_skew", "sigma": 0.8}, feddyn_lognormal),
]


@pytest.mark.parametrize(("choice", "theirs"), SAME, ids=lambda value: getattr(value, "__name__", None))
def test_ours_is_distributed_as_theirs(choice, theirs):
    here, there = figures(ours(choice)), figures(theirs, "theirs")
    for name, values in here.items():
        other = there[name]
        assert ks_2samp(values, other, method="asymp").pvalue > 0.01, name
        error = np.sqrt((values.var() + other.var()) / DRAWS)
        assert abs(values.mean() - other.mean()) <= 4 * error + 0.5, name  # half an example of rounding
        if values.std() > 1:
            assert values.std() == pytest.approx(other.std(), rel=0.2), name


def test_without_balance_sizes_are_less_even_than_niid_benchs():
    here, there = figures(ours({"name": "dirichlet", "alpha": 0.5})), figures(niid_labeldir, "theirs")
    assert here["size of a client"].std() > 1.2 * there["size of a client"].std()


def test_random_classes_are_theirs_where_theirs_leave_nothing_out():
    """What they leave out, ours gives to clients who would share a class."""
    choice = {"name": "pathological", "assignment": "random"}
    here, there = figures(ours(choice)), figures(flwr_random_pathological, "theirs")
    complete = there["left out"] == 0
    assert 0.02 < 1 - complete.mean() < 0.5
    assert not here["left out"].any()
    for name in ("size of a client", "clients with the last class"):
        assert ks_2samp(here[name][complete], there[name][complete], method="asymp").pvalue > 0.01, name


def test_shards_are_theirs_but_for_what_theirs_drop():
    here, there = figures(ours("shards")), figures(flwr_shards, "theirs")
    assert set(there["left out"]) == {405 % 14}
    assert not here["left out"].any()
    for name in ("classes of a client", "clients with the last class"):
        assert ks_2samp(here[name], there[name], method="asymp").pvalue > 0.01, name
    for name in ("size of a client", "examples of the last class"):
        assert abs(here[name].mean() - there[name].mean()) < 3, name  # 13 examples over seven clients
