"""Dealing a dataset to clients: training, validation and test views."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.partition import Partition, in_shares


@dataclass(frozen=True)
class Deal:
    """Who holds what: views of one dataset.

    Attributes:
        train: examples that clients train on.
        validation: a tenth of each client's part, kept for stopping and temperatures; where clients share
            examples, a tenth of all that no client trains on, divided like the test fold.
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
        partition: spreads the former over clients, who share training examples where it overlaps.
        clients: number of clients.
        stream: gives the generator for a purpose.
        groups: (N,) natural group of each example, where there are any.
        validation_share: share of each client's part that is kept from training, rounded down.
    """
    rows = np.flatnonzero(is_train)
    if partition.overlaps:
        chosen = stream("validation").permutation(len(rows)) < int(len(rows) * validation_share)
        rows, reserved = rows[~chosen], rows[chosen]
    inside = None if groups is None else groups[rows]
    places = partition.views(labels[rows], clients, stream("partition"), inside)
    held = Clients(rows[places.rows], places.offsets)

    def divided(others: np.ndarray, purpose: str) -> Clients:
        owner = _in_proportion(labels[others], labels[held.rows], held.owner, clients, stream(purpose))
        return Clients.deal(others, owner, clients)

    if partition.overlaps:
        train, validation = held, divided(reserved, "validation owners")
    else:
        rank = _rank_within(held.owner, stream("validation"))
        is_validation = rank < np.floor(held.sizes * validation_share).astype(int)[held.owner]
        train, validation = held.keep(~is_validation), held.keep(is_validation)
    return Deal(train, validation, divided(np.flatnonzero(is_test), "test owners"))


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
        owner[rows] = in_shares(shares, len(rows))
    return owner
