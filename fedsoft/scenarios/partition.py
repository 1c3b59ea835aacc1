"""Partitions: how examples are spread over clients."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.registry import Options, Registry
from fedsoft.scenarios.clients import Clients


class Partition(Options):
    """A rule that spreads examples over clients.

    Class attributes:
        overlaps: clients may hold the same example, each with labels of its own.
    """

    overlaps: ClassVar[bool] = False

    @abstractmethod
    def views(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> Clients:
        """labels (N,), and natural groups (N,) where there are any -> views of the places 0 to N - 1."""

    def owners_of_tested(self, tested: np.ndarray, held: np.ndarray, owner: np.ndarray) -> np.ndarray | None:
        """Who is tested on what, where groups say so; None where clients' label proportions do.

        Args:
            tested: (T,) groups of the test examples.
            held: (M,) groups of the examples that clients hold.
            owner: (M,) their clients.

        Returns:
            (T,) clients, -1 for examples of groups that no client holds.
        """
        return None


PARTITIONS = Registry("partition", Partition)  # type: ignore[type-abstract]


class Split(Partition):
    """A rule that gives every example to one client."""

    @abstractmethod
    def owners(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> np.ndarray:
        """labels (N,), and natural groups (N,) where there are any -> client of each example (N,)."""

    def views(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> Clients:
        """Each client's own examples."""
        return Clients.deal(np.arange(len(labels)), self.owners(labels, clients, rng, groups), clients)


@PARTITIONS("iid")
class Iid(Split):
    """Examples dealt at random, in equal numbers up to one."""

    def owners(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> np.ndarray:
        """A shuffled round robin."""
        owner = np.empty(len(labels), dtype=np.int64)
        owner[rng.permutation(len(labels))] = np.arange(len(labels)) % clients
        return owner


@PARTITIONS("dirichlet")
class Dirichlet(Split):
    """Label skew: each class is spread over clients in proportions drawn from a Dirichlet distribution.

    Hsu, Qi, Brown 2019, arXiv:1909.06335, in the variant that draws over clients for each class.
    Small ``alpha`` means strong skew; infinity would be IID in labels.
    """

    alpha: float = Field(0.5, gt=0, description="concentration")
    smallest: int = Field(10, ge=1, description="redraw until every client has so many examples, or people")

    def owners(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw class by class, and again until no client is too small.

        Raises:
            StudyFileError: no draw in 1,000 gives every client ``smallest`` examples, or there are too few.
        """
        possible = len(labels) >= clients * self.smallest
        for _ in range(1000 if possible else 0):
            owner = np.empty(len(labels), dtype=np.int64)
            for label in np.unique(labels):
                rows = rng.permutation(np.flatnonzero(labels == label))
                shares = rng.dirichlet(np.full(clients, self.alpha))
                owner[rows] = in_shares(shares, len(rows))
            if np.bincount(owner, minlength=clients).min() >= self.smallest:
                return owner
        raise StudyFileError(
            f"dirichlet(alpha={self.alpha}) gave no split of {len(labels)} examples in which each of "
            f"{clients} clients has {self.smallest}; raise alpha, or lower `smallest` or `clients`."
        )


def in_shares(shares: np.ndarray, count: int) -> np.ndarray:
    """(count,) clients, ascending, each as often as its share (clients,) says, up to rounding."""
    ends = np.round(np.cumsum(shares)[:-1] * count).astype(int)
    owner: np.ndarray = np.searchsorted(ends, np.arange(count), side="right")
    return owner


@PARTITIONS("natural")
class Natural(Split):
    """The data's own groups (hospital, writer), each held whole by one client.

    With fewer clients than groups, groups are dealt to clients in random order. Clients are tested on the
    held-out examples of their own groups.
    """

    def owners(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> np.ndarray:
        """A client for each group.

        Raises:
            StudyFileError: the data have no groups, or fewer than clients.
        """
        if groups is None:
            raise StudyFileError(
                "partition 'natural' needs groups, and the data have none; add a `groups` array, or choose "
                "iid or dirichlet."
            )
        names, group = np.unique(groups, return_inverse=True)
        if len(names) < clients:
            wanted = plural(clients, "client")
            raise StudyFileError(
                f"partition 'natural' has {plural(len(names), 'group')} for {wanted}; lower scenario.clients."
            )
        return (rng.permutation(len(names)) % clients)[group]

    def owners_of_tested(self, tested: np.ndarray, held: np.ndarray, owner: np.ndarray) -> np.ndarray | None:
        """The client that holds the example's group."""
        names, first = np.unique(held, return_index=True)
        place = np.searchsorted(names, tested).clip(max=len(names) - 1)
        return np.where(names[place] == tested, owner[first[place]], -1)
