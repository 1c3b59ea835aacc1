"""Clients who know a few classes each."""

from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Split


@PARTITIONS("pathological")
class Pathological(Split):
    """Every client has examples of exactly ``classes`` classes; a class is split evenly among its clients.

    NIID-Bench's ``noniid-#label<k>`` (Li et al. 2022, arXiv:2102.02079) is ``assignment =
    "first-deterministic"``; the names are those of flwr-datasets' PathologicalPartitioner, whose default is
    ``random``. Theirs leave out, or fail on, classes that no client drew. Here each of them takes the place
    of one, drawn at random, that several clients hold, so that all examples are held; where there are fewer
    places than classes, the study is refused. ``shards`` is the partition of the FedAvg paper.
    """

    classes: int = Field(2, ge=1, description="classes a client")
    assignment: Literal["first-deterministic", "random", "deterministic"] = Field(
        "first-deterministic",
        description="client c's classes: c modulo their number and others drawn at random, all drawn, or c "
        "and those that follow",
    )

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """Classes are assigned to clients, then examples are split.

        Raises:
            StudyFileError: there are fewer classes than each client has, places for fewer than there are, or
                fewer examples of a class than clients that have it.
        """
        names, place = np.unique(known.labels, return_inverse=True)
        holds = self._holds(len(names), clients, rng)
        owner = np.empty(len(known), dtype=np.int64)
        for one, name in enumerate(names.tolist()):
            rows, holders = rng.permutation(np.flatnonzero(place == one)), np.flatnonzero(holds[:, one])
            if len(rows) < len(holders):
                raise StudyFileError(
                    f"partition {self.label()!r} gives class {name} to {plural(len(holders), 'client')}, and "
                    f"it has {plural(len(rows), 'example')}; lower scenario.clients or the classes a client."
                )
            parts = np.array_split(rows, len(holders))
            owner[rows] = np.repeat(holders, [len(part) for part in parts])
        return owner

    def _holds(self, classes: int, clients: int, rng: np.random.Generator) -> np.ndarray:
        """(clients, classes) whether a client has a class: so many a client, and none left out."""
        if self.classes > classes:
            raise StudyFileError(
                f"partition {self.label()!r} gives each client {self.classes} classes, and there are "
                f"{classes}; lower the classes a client."
            )
        drawn = np.array([self._drawn(client, classes, rng) for client in range(clients)])
        times = np.bincount(drawn.ravel(), minlength=classes)
        absent = np.flatnonzero(times == 0)
        if drawn.size < classes or (self.assignment == "deterministic" and len(absent)):
            raise StudyFileError(
                f"partition {self.label()!r} leaves {plural(len(absent), 'class', 'classes')} without any of "
                f"{plural(clients, 'client')}; raise the classes a client or scenario.clients"
                + ("." if drawn.size < classes else ', or choose assignment = "first-deterministic".')
            )
        free = drawn[:, 1:] if self.assignment == "first-deterministic" else drawn
        for one in absent:
            spare = np.argwhere(times[free] > 1)
            at = tuple(spare[rng.integers(len(spare))])
            times[free[at]] -= 1
            free[at], times[one] = one, 1
        holds = np.zeros((clients, classes), dtype=bool)
        holds[np.arange(clients)[:, None], drawn] = True
        return holds

    def _drawn(self, client: int, classes: int, rng: np.random.Generator) -> np.ndarray:
        """(self.classes,) different classes of one client."""
        if self.assignment == "random":
            return rng.choice(classes, self.classes, replace=False)
        following = (client + np.arange(classes)) % classes
        if self.assignment == "first-deterministic":
            following[1:] = rng.permutation(following[1:])
        return following[: self.classes]
