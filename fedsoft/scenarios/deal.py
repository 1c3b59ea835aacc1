"""Dealing a dataset to clients: training, validation and test views."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fedsoft.datasets import Annotations
from fedsoft.errors import StudyFileError
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import Partition, Split
from fedsoft.scenarios.proportions import in_proportion


@dataclass(frozen=True)
class Deal:
    """Who holds what: views of one dataset.

    Attributes:
        train: examples that clients train on.
        validation: a tenth of each client's part, kept for stopping and temperatures; where clients share
            examples, a tenth of all that no client trains on, divided in clients' own label proportions.
        test: the held-out fold: to each client what is of its natural groups, or as hard as what it holds,
            where clients differ in that; the rest in clients' own label proportions.
        strangers: test examples of natural groups of which no client holds any.
        team: (R,) the client of each annotator, where clients are people; -1 for those who are in none.
        server: the unlabelled examples at the server, which no client holds.
    """

    train: Clients
    validation: Clients
    test: Clients
    strangers: int = 0
    team: np.ndarray | None = None
    server: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def deal(
    known: Known,
    is_train: np.ndarray,
    is_test: np.ndarray,
    partition: Partition,
    clients: int,
    stream: Callable[[str], np.random.Generator],
    validation_share: float = 0.1,
    people: np.ndarray | None = None,
    answers: Annotations | None = None,
    server_examples: int = 0,
    among: np.ndarray | None = None,
) -> Deal:
    """Deal N examples to clients.

    Args:
        known: what the partition may know of them.
        is_train: (N,) whether clients may hold an example.
        is_test: (N,) whether it is held out for testing.
        partition: spreads the former over clients, who share training examples where it overlaps.
        clients: number of clients.
        stream: gives the generator for a purpose.
        validation_share: share of each client's part that is kept from training, rounded down.
        people: (N,) the person of each example, where examples are of people. Clients who share no examples
            hold people whole, who are dealt as examples are (`Known.of_people`). Validation takes people
            whole, as many as fit into its share; where none fits, it takes single examples.
        answers: who answered what, where that is known and clients may be people.
        server_examples: how many of those that clients may hold the server holds instead, unlabelled.
        among: (R,) which of these people may be clients; None for everybody.

    Raises:
        StudyFileError: the server would hold all of them.
    """
    rows = np.flatnonzero(is_train)
    server = rows[:0]
    if server_examples:
        if server_examples >= len(rows):
            raise StudyFileError(
                f"scenario.server_examples takes {server_examples:,} of {len(rows):,} training examples, "
                "which leaves none to clients; lower it."
            )
        kept = stream("server examples").permutation(len(rows)) >= server_examples
        rows, server = rows[kept], rows[~kept]
    if partition.overlaps:
        chosen = _reserved(rows, validation_share, people, stream("validation"))
        rows, reserved = rows[~chosen], rows[chosen]
    team = None
    if isinstance(partition, ByAnnotator) and answers is not None:
        team = partition.teams(answers, clients, stream("partition"), among)
        held = partition.held_by(team, answers, np.isin(np.arange(len(known)), rows))
    elif people is None or not isinstance(partition, Split):
        places = partition.views(known.at(rows), clients, stream("partition"))
        held = Clients(rows[places.rows], places.offsets)
    else:
        _, person = np.unique(people[rows], return_inverse=True)
        owner = partition.owners(known.at(rows).of_people(person), clients, stream("partition"))[person]
        held = Clients.deal(rows, owner, clients)

    def by_labels(others: np.ndarray, purpose: str) -> np.ndarray:
        labels = known.labels
        return in_proportion(labels[others], labels[held.rows], held.owner, clients, stream(purpose))

    if partition.overlaps:
        owner = by_labels(reserved, "validation owners")
        train, validation = held, Clients.deal(reserved, owner, clients)
    else:
        quota = np.floor(held.sizes * validation_share).astype(int)
        if people is None:
            is_validation = _rank_within(held.owner, stream("validation")) < quota[held.owner]
        else:
            is_validation = _whole_people(held.owner, quota, people[held.rows], stream("validation"))
        train, validation = held.keep(~is_validation), held.keep(is_validation)
    tested, strangers = np.flatnonzero(is_test), 0
    owner = by_labels(tested, "test owners")
    own = partition.owners_of_tested(
        known.at(tested), known.at(held.rows), held.owner, clients, stream("own test owners")
    )
    if own is not None:
        owner, strangers = np.where(own < 0, owner, own), int((own < 0).sum())
    return Deal(train, validation, Clients.deal(tested, owner, clients), strangers, team, server)


def _reserved(
    rows: np.ndarray, share: float, people: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """(M,) whether a row is kept from all clients, for validation."""
    quota = int(len(rows) * share)
    if people is None:
        return rng.permutation(len(rows)) < quota
    return _whole_people(np.zeros_like(rows), np.array([quota]), people[rows], rng)


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
