"""Dealing a dataset to clients: training, validation and test views."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fedsoft.datasets import Annotations
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.partition import Partition, Split, in_shares


@dataclass(frozen=True)
class Deal:
    """Who holds what: views of one dataset.

    Attributes:
        train: examples that clients train on.
        validation: a tenth of each client's part, kept for stopping and temperatures; where clients share
            examples, a tenth of all that no client trains on, divided in clients' own label proportions.
        test: the held-out fold: where clients are natural groups, to each what is of its groups, and the rest
            in clients' own label proportions.
        strangers: test examples of natural groups of which no client holds any.
        team: (R,) the client of each annotator, where clients are people; -1 for those who are in none.
    """

    train: Clients
    validation: Clients
    test: Clients
    strangers: int = 0
    team: np.ndarray | None = None


def deal(
    labels: np.ndarray,
    is_train: np.ndarray,
    is_test: np.ndarray,
    partition: Partition,
    clients: int,
    stream: Callable[[str], np.random.Generator],
    groups: np.ndarray | None = None,
    validation_share: float = 0.1,
    people: np.ndarray | None = None,
    answers: Annotations | None = None,
    among: np.ndarray | None = None,
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
        people: (N,) the person of each example, where examples are of people. Clients who share no examples
            hold people whole, and validation takes people whole, as many as fit into its share; where none
            fits, it takes single examples.
        answers: who answered what, where that is known and clients may be people.
        among: (R,) which of these people may be clients; None for everybody.
    """
    rows = np.flatnonzero(is_train)
    if partition.overlaps:
        chosen = _reserved(rows, validation_share, people, stream("validation"))
        rows, reserved = rows[~chosen], rows[chosen]
    inside, team = None if groups is None else groups[rows], None
    if isinstance(partition, ByAnnotator) and answers is not None:
        team = partition.teams(answers, clients, stream("partition"), among)
        held = partition.held_by(team, answers, np.isin(np.arange(len(labels)), rows))
    elif people is None or not isinstance(partition, Split):
        places = partition.views(labels[rows], clients, stream("partition"), inside)
        held = Clients(rows[places.rows], places.offsets)
    else:
        owner = _owners_of_people(partition, labels[rows], clients, stream("partition"), inside, people[rows])
        held = Clients.deal(rows, owner, clients)

    def in_proportion(others: np.ndarray, purpose: str) -> np.ndarray:
        return _in_proportion(labels[others], labels[held.rows], held.owner, clients, stream(purpose))

    if partition.overlaps:
        owner = in_proportion(reserved, "validation owners")
        train, validation = held, Clients.deal(reserved, owner, clients)
    else:
        quota = np.floor(held.sizes * validation_share).astype(int)
        if people is None:
            is_validation = _rank_within(held.owner, stream("validation")) < quota[held.owner]
        else:
            is_validation = _whole_people(held.owner, quota, people[held.rows], stream("validation"))
        train, validation = held.keep(~is_validation), held.keep(is_validation)
    tested, strangers = np.flatnonzero(is_test), 0
    owner = in_proportion(tested, "test owners")
    if groups is not None:
        own = partition.owners_of_tested(groups[tested], groups[held.rows], held.owner)
        if own is not None:
            owner, strangers = np.where(own < 0, owner, own), int((own < 0).sum())
    return Deal(train, validation, Clients.deal(tested, owner, clients), strangers, team)


def _reserved(
    rows: np.ndarray, share: float, people: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """(M,) whether a row is kept from all clients, for validation."""
    quota = int(len(rows) * share)
    if people is None:
        return rng.permutation(len(rows)) < quota
    return _whole_people(np.zeros_like(rows), np.array([quota]), people[rows], rng)


def _owners_of_people(
    partition: Split,
    labels: np.ndarray,
    clients: int,
    rng: np.random.Generator,
    groups: np.ndarray | None,
    people: np.ndarray,
) -> np.ndarray:
    """(M,) clients that hold people whole: people are dealt as examples are, by their commonest label."""
    _, first, person = np.unique(people, return_index=True, return_inverse=True)
    counts = np.zeros((len(first), labels.max() + 1), dtype=int)
    np.add.at(counts, (person, labels), 1)
    inside = None if groups is None else groups[first]
    owner: np.ndarray = partition.owners(counts.argmax(axis=1), clients, rng, inside)[person]
    return owner


def _whole_people(
    owner: np.ndarray, quota: np.ndarray, people: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(M,) whether an entry validates: people whole, in random order, as far as they fit in a client's quota.

    Where none fits, single entries do.
    """
    _, person = np.unique(people, return_inverse=True)
    pairs, unit = np.unique(person * len(quota) + owner, return_inverse=True)
    client, size, left = pairs % len(quota), np.bincount(unit), quota.copy()
    taken = np.zeros(len(pairs), dtype=bool)
    for one in rng.permutation(len(pairs)).tolist():
        if size[one] <= left[client[one]]:
            taken[one] = True
            left[client[one]] -= size[one]
    single = _rank_within(owner, rng) < quota[owner]
    chosen: np.ndarray = np.where((left == quota)[owner], single, taken[unit])
    return chosen


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
