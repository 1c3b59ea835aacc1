"""Classes by client, shards, and sizes: what is skewed, and what is not."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Known
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 10, 2_000)


def owners(choice, clients, labels=LABELS, seed=0):
    return PARTITIONS.parse(choice).owners(Known(labels), clients, stream("partition", seed=seed))


def counts_of(owner, clients, labels=LABELS):
    counts = np.zeros((clients, labels.max() + 1), dtype=int)
    np.add.at(counts, (owner, labels), 1)
    return counts


@pytest.mark.parametrize("assignment", ["first-deterministic", "random", "deterministic"])
@pytest.mark.parametrize(("clients", "classes"), [(10, 1), (5, 2), (4, 3), (20, 2), (7, 10), (200, 2)])
def test_every_client_has_its_number_of_classes_and_every_class_a_client(assignment, clients, classes):
    choice = {"name": "pathological", "classes": classes, "assignment": assignment}
    if assignment == "deterministic" and clients + classes - 1 < 10:
        with pytest.raises(
            StudyFileError, match=r'classes? without any of.*assignment = "first-deterministic"'
        ):
            owners(choice, clients)
        return
    for seed in range(20 if clients < 20 else 1):
        counts = counts_of(owners(choice, clients, seed=seed), clients)
        assert ((counts > 0).sum(axis=1) == classes).all()
        for column in counts.T:
            held = column[column > 0]
            assert len(held)
            assert held.max() - held.min() <= 1


def test_first_classes_are_told_by_the_clients_number():
    for seed in range(5):
        counts = counts_of(owners("pathological", 13, seed=seed), 13)
        assert all(counts[client, client % 10] for client in range(13))
    counts = counts_of(owners({"name": "pathological", "classes": 3, "assignment": "deterministic"}, 13), 13)
    assert all(
        np.flatnonzero(row).tolist() == sorted((c + i) % 10 for i in range(3)) for c, row in enumerate(counts)
    )


@pytest.mark.parametrize(
    ("clients", "classes", "words"),
    [
        (20, 11, "gives each client 11 classes, and there are 10; lower the classes a client"),
        (4, 2, "without any of 4 clients; raise the classes a client or scenario.clients"),
        (900, 3, r"gives class \d to \d+ clients, and it has \d+ examples; lower scenario.clients or"),
    ],
)
def test_impossible_classes_are_told(clients, classes, words):
    with pytest.raises(StudyFileError, match=words):
        owners({"name": "pathological", "classes": classes}, clients)


def test_shards_are_of_equal_size_and_neighbours_in_label():
    """Two of a hundred shards of twenty: forty examples each, from two stretches of the sorted labels."""
    counts = counts_of(owners("shards", 50), 50)
    assert (counts.sum(axis=1) == 40).all()
    assert (counts > 0).sum(axis=1).max() <= 4
    assert (counts > 0).sum(axis=1).mean() < 3
    sizes = np.bincount(owners("shards", 7), minlength=7)
    assert sizes.sum() == 2_000
    assert sizes.max() - sizes.min() <= 2
    with pytest.raises(
        StudyFileError, match=r"cuts 2000 examples into 2001 shards; lower scenario.clients or the"
    ):
        owners({"name": "shards", "shards": 667}, 3)


def test_logarithms_of_sizes_spread_by_sigma():
    """Relative to their mean, since sizes are shares: sqrt(mean of squares / (clients - 1)) is sigma."""
    logs = []
    for seed in range(200):
        owner = owners({"name": "quantity_skew", "sigma": 0.5, "smallest": 1}, 10, seed=seed)
        logs.append(np.log(np.bincount(owner, minlength=10)).std(ddof=1))
    assert np.mean(np.square(logs)) == pytest.approx(0.25, rel=0.1)
    assert set(np.bincount(owners({"name": "quantity_skew", "sigma": 0}, 8))) == {250}


def test_sizes_of_a_dirichlet_have_its_variance():
    """A share has mean 1/K and variance (K - 1) / (K² (K alpha + 1)): Beta(alpha, (K - 1) alpha)."""
    choice = {"name": "quantity_skew", "alpha": 2.0, "smallest": 1}
    shares = np.stack([np.bincount(owners(choice, 10, seed=s), minlength=10) / 2_000 for s in range(300)])
    assert shares.var() == pytest.approx(9 / (100 * 21), rel=0.1)


def test_quantity_is_skewed_and_labels_are_not():
    counts = counts_of(owners({"name": "quantity_skew", "smallest": 100}, 6), 6)
    sizes = counts.sum(axis=1)
    assert sizes.min() >= 100
    assert sizes.max() > 2 * sizes.min()
    expected = sizes[:, None] * counts.sum(axis=0) / 2_000
    assert ((counts - expected) ** 2 / expected).sum() < 80  # chi-squared with 45 degrees of freedom


def test_impossible_sizes_are_told():
    with pytest.raises(ValueError, match="one of `sigma` and `alpha`"):
        PARTITIONS.parse({"name": "quantity_skew", "sigma": 2.0, "alpha": 1.0})
    with pytest.raises(StudyFileError, match="each of 20 clients has 95; lower sigma"):
        owners({"name": "quantity_skew", "smallest": 95}, 20)
    with pytest.raises(StudyFileError, match="each of 300 clients has 10; raise alpha"):
        owners({"name": "quantity_skew", "alpha": 1.0}, 300)
