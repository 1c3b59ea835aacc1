"""Natural groups of several clients each, with label skew inside."""

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Dirichlet, Split, groups_of
from fedsoft.scenarios.proportions import in_proportion


@PARTITIONS("natural_dirichlet")
class NaturalDirichlet(Split):
    """The data's own groups, each of several clients, over whom its classes are spread by a Dirichlet.

    As of countries with several hospitals: every client belongs to one group. Groups have clients in
    proportion to their sizes, one at least; clients are numbered group by group, in the groups' order. Inside
    a group the partition is ``dirichlet``. Clients are tested on held-out examples of their group, in
    proportion to the labels that they hold of it.
    """

    alpha: float = Field(0.5, gt=0, description="concentration: small is strong skew inside a group")
    smallest: int = Field(10, ge=1, description="redraw until every client has so many examples, or people")

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """Clients for each group, and a Dirichlet in it.

        Raises:
            StudyFileError: the data have no groups, more than clients, or too few examples in a group.
        """
        names, group, sizes = np.unique(
            groups_of(known, type(self).name), return_inverse=True, return_counts=True
        )
        if len(names) > clients:
            raise StudyFileError(
                f"partition 'natural_dirichlet' has {plural(len(names), 'group')} for "
                f"{plural(clients, 'client')}, and each takes one or more; raise scenario.clients, or choose "
                "natural."
            )
        inside = Dirichlet(alpha=self.alpha, smallest=self.smallest)
        owner, first = np.empty(len(known), dtype=np.int64), 0
        for one, several in enumerate(_seats(sizes, clients).tolist()):
            rows = np.flatnonzero(group == one)
            drawn = inside.draw(known.labels[rows], several, rng)
            if drawn is None:
                raise StudyFileError(
                    f"partition {self.label()!r} gave no split of the {plural(len(rows), 'example')} of "
                    f"group {names[one]} in which each of {plural(several, 'client')} has {self.smallest}; "
                    "raise alpha, or lower `smallest` or `clients`."
                )
            owner[rows], first = first + drawn, first + several
        return owner

    def owners_of_tested(
        self, tested: Known, held: Known, owner: np.ndarray, clients: int, rng: np.random.Generator
    ) -> np.ndarray | None:
        """The clients of the example's group, each class in proportion to what they hold of it."""
        if tested.groups is None or held.groups is None:
            return None
        result = np.full(len(tested), -1)
        for name in np.unique(tested.groups):
            rows, inside = np.flatnonzero(tested.groups == name), held.groups == name
            if inside.any():
                numbers, place = np.unique(owner[inside], return_inverse=True)
                dealt = in_proportion(tested.labels[rows], held.labels[inside], place, len(numbers), rng)
                result[rows] = numbers[dealt]
        return result


def _seats(sizes: np.ndarray, clients: int) -> np.ndarray:
    """(G,) clients of each group: one, and the rest in turn to the group with most examples a client."""
    seats = np.ones(len(sizes), dtype=np.int64)
    for _ in range(clients - len(sizes)):
        seats[np.argmax(sizes / seats)] += 1
    return seats
