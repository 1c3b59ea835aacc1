"""Clients who are people: each holds the images that it answered, with its own answers."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.datasets import Annotations
from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Partition


@PARTITIONS("by_annotator")
class ByAnnotator(Partition):
    """A client is an annotator, or a team of them, who holds the items they answered and their own answers.

    Items that several clients answered are held by each of them. A tenth of all is kept from all clients for
    validation; what is tested is divided in clients' label proportions.
    """

    overlaps: ClassVar[bool] = True

    people: int | None = Field(
        None,
        ge=1,
        description="people a client, of those with most answers; without it, everybody is in some client's "
        "team, dealt at random",
    )

    def teams(self, answers: Annotations, clients: int, rng: np.random.Generator) -> np.ndarray:
        """(R,) the client of each annotator, -1 for those who are in none; clients are in order of their
        people.

        Raises:
            StudyFileError: there are too few people.
        """
        given = np.bincount(answers.annotator)
        order = np.lexsort((rng.random(len(given)), -given))
        order = order[: int((given > 0).sum())]
        wanted = clients * (self.people or 1)
        if len(order) < wanted:
            raise StudyFileError(
                f"partition {self.label()!r} has {plural(len(order), 'annotator')} for "
                f"{plural(clients, 'client')}; lower scenario.clients or the people a client."
            )
        team = np.full(len(given), -1)
        if self.people == 1:
            team[np.sort(order[:wanted])] = np.arange(clients)
        else:
            chosen = order[: wanted if self.people else len(order)]
            team[rng.permutation(chosen)] = np.arange(len(chosen)) % clients
        return team

    def held_by(self, team: np.ndarray, answers: Annotations, may_hold: np.ndarray) -> Clients:
        """Views of the items (N,) that may be held and that somebody of a client's team (R,) answered."""
        client = team[answers.annotator]
        kept = (client >= 0) & may_hold[answers.item]
        pairs = np.unique(client[kept] * len(may_hold) + answers.item[kept])
        return Clients.deal(pairs % len(may_hold), pairs // len(may_hold), int(team.max()) + 1)

    def views(self, known: Known, clients: int, rng: np.random.Generator) -> Clients:
        """Refused, since it takes answers.

        Raises:
            StudyFileError: always.
        """
        raise StudyFileError(
            "partition 'by_annotator' needs to know who answered what, and the data do not say it; give a "
            "file of answers with a column of annotators, or choose another partition."
        )
