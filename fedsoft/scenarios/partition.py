"""Partitions: how examples are spread over clients."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.registry import Options, Registry
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.proportions import in_shares


class Partition(Options):
    """A rule that spreads examples over clients.

    Class attributes:
        overlaps: clients may hold the same example, each with labels of its own.
    """

    overlaps: ClassVar[bool] = False

    @abstractmethod
    def views(self, known: Known, clients: int, rng: np.random.Generator) -> Clients:
        """What is known of N examples -> views of the places 0 to N - 1."""

    def owners_of_tested(
        self, tested: Known, held: Known, owner: np.ndarray, clients: int, rng: np.random.Generator
    ) -> np.ndarray | None:
        """Who is tested on what, where the partition says so; None where clients' label proportions do.

        Args:
            tested: of the T test examples.
            held: of the M examples that clients hold.
            owner: (M,) their clients.
            clients: number of clients.
            rng: for what is left to chance.

        Returns:
            (T,) clients, -1 for examples of groups that no client holds.
        """
        return None


ATTEMPTS = 1000
"""Draws until a partition that is left to chance is given up, whose clients are too small each time."""
TINY = 1e-300
"""Keeps shares of a very small alpha from being 0 for all the clients that are left."""

PARTITIONS = Registry("partition", Partition)  # type: ignore[type-abstract]


class Split(Partition):
    """A rule that gives every example to one client."""

    @abstractmethod
    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """What is known of N examples -> client of each (N,)."""

    def views(self, known: Known, clients: int, rng: np.random.Generator) -> Clients:
        """Each client's own examples."""
        return Clients.deal(np.arange(len(known)), self.owners(known, clients, rng), clients)


@PARTITIONS("iid")
class Iid(Split):
    """Examples dealt at random, in equal numbers up to one."""

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """A shuffled round robin."""
        owner = np.empty(len(known), dtype=np.int64)
        owner[rng.permutation(len(known))] = np.arange(len(known)) % clients
        return owner


@PARTITIONS("dirichlet")
class Dirichlet(Split):
    """Label skew: each class is spread over clients in proportions drawn from a Dirichlet distribution.

    Hsu, Qi, Brown 2019, arXiv:1909.06335, in the variant that draws over clients for each class (Yurochkin et
    al. 2019, arXiv:1905.12022): flwr-datasets' DirichletPartitioner. Small ``alpha`` means strong skew;
    infinity would be IID in labels. NIID-Bench's ``noniid-labeldir`` is `balanced_dirichlet`.
    """

    balanced: ClassVar[bool] = False
    alpha: float = Field(0.5, gt=0, description="concentration")
    smallest: int = Field(10, ge=1, description="redraw until every client has so many examples, or people")

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """Draw class by class, and again until no client is too small.

        Raises:
            StudyFileError: no draw in 1,000 gives every client ``smallest`` examples, or there are too few.
        """
        owner = self.draw(known.labels, clients, rng)
        if owner is None:
            raise StudyFileError(
                f"{type(self).name}(alpha={self.alpha}) gave no split of {len(known)} examples in which each "
                f"of {clients} clients has {self.smallest}; raise alpha, or lower `smallest` or `clients`."
            )
        return owner

    def draw(self, labels: np.ndarray, clients: int, rng: np.random.Generator) -> np.ndarray | None:
        """(N,) clients of examples with these labels (N,); None where a client would be too small."""
        possible = len(labels) >= clients * self.smallest
        for _ in range(ATTEMPTS if possible else 0):
            owner, sizes = np.empty(len(labels), dtype=np.int64), np.zeros(clients, dtype=np.int64)
            for label in np.unique(labels):
                rows = rng.permutation(np.flatnonzero(labels == label))
                shares = rng.dirichlet(np.full(clients, self.alpha))
                if self.balanced:
                    shares = np.where(sizes < len(labels) / clients, shares + TINY, 0)
                    shares /= shares.sum()
                owner[rows] = in_shares(shares, len(rows))
                sizes += np.bincount(owner[rows], minlength=clients)
            if sizes.min() >= self.smallest:
                return owner
        return None


@PARTITIONS("natural")
class Natural(Split):
    """The data's own groups (hospital, writer), each held whole by one client.

    With fewer clients than groups, groups are dealt to clients in random order. Clients are tested on the
    held-out examples of their own groups.
    """

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """A client for each group.

        Raises:
            StudyFileError: the data have no groups, or fewer than clients.
        """
        names, group = np.unique(groups_of(known, type(self).name), return_inverse=True)
        if len(names) < clients:
            wanted = plural(clients, "client")
            raise StudyFileError(
                f"partition 'natural' has {plural(len(names), 'group')} for {wanted}; lower scenario.clients."
            )
        return (rng.permutation(len(names)) % clients)[group]

    def owners_of_tested(
        self, tested: Known, held: Known, owner: np.ndarray, clients: int, rng: np.random.Generator
    ) -> np.ndarray | None:
        """The client that holds the example's group."""
        if tested.groups is None or held.groups is None:
            return None
        names, first = np.unique(held.groups, return_index=True)
        place = np.searchsorted(names, tested.groups).clip(max=len(names) - 1)
        return np.where(names[place] == tested.groups, owner[first[place]], -1)


def groups_of(known: Known, partition: str) -> np.ndarray:
    """(N,) the natural groups that a partition cannot do without.

    Raises:
        StudyFileError: there are none.
    """
    if known.groups is None:
        raise StudyFileError(
            f"partition {partition!r} needs groups, and the data have none; add a `groups` array, or choose "
            "iid or dirichlet."
        )
    return known.groups
