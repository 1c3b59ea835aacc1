"""Dealing a dataset to clients: training, validation and test views."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.partition import Partition


@dataclass(frozen=True)
class Deal:
    """Who holds what: views of one dataset.

    Attributes:
        train: examples that clients train on.
        validation: a tenth of each client's part, kept for stopping and temperatures.
        test: the held-out fold, divided among clients in their own label proportions.
    """

    train: Clients
    validation: Clients
    test: Clients


def deal(
    labels: np.ndarray,
    is_train: np.ndarray,
    is_test: np.ndarray,
    partition: Partition,
    clients: int,
    stream: Callable[[str], np.random.Generator],
    groups: np.ndarray | None = None,
    validation_share: float = 0.1,
) -> Deal:
    """Deal N examples to clients.

    Args:
        labels: (N,) class indices.
        is_train: (N,) whether clients may hold an example.
        is_test: (N,) whether it is held out for testing.
        partition: spreads the former over clients.
        clients: number of clients.
        stream: gives the generator for a purpose.
        groups: (N,) natural group of each example, where there are any.
        validation_share: share of each client's part that is kept from training, rounded down.
    """
    rows = np.flatnonzero(is_train)
    inside = None if groups is None else groups[rows]
    owner = partition.owners(labels[rows], clients, stream("partition"), inside)
    held = Clients.deal(rows, owner, clients)
    rank = _rank_within(held.owner, stream("validation"))
    is_validation = rank < np.floor(held.sizes * validation_share).astype(int)[held.owner]
    test_rows = np.flatnonzero(is_test)
    owner = _in_proportion(labels[test_rows], labels[held.rows], held.owner, clients, stream("test owners"))
    return Deal(
        train=held.keep(~is_validation),
        validation=held.keep(is_validation),
        test=Clients.deal(test_rows, owner, clients),
    )


def _rank_within(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random rank, from 0, of each entry within its group."""
    order = np.lexsort((rng.random(len(group)), group))
    first = np.searchsorted(group[order], group[order])
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - first
    return rank


def _in_proportion(
    labels: np.ndarray,
    held_labels: np.ndarray,
    held_owner: np.ndarray,
    clients: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Owners of new examples: each class goes to clients in proportion to what they hold of it."""
    owner = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        counts = np.bincount(held_owner[held_labels == label], minlength=clients).astype(float)
        shares = counts / counts.sum() if counts.sum() else np.full(clients, 1 / clients)
        cuts = np.round(np.cumsum(shares)[:-1] * len(rows)).astype(int)
        for client, part in enumerate(np.split(rows, cuts)):
            owner[part] = client
    return owner
