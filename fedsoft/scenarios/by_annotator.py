"""Clients who are people: each holds the images that it answered, with its own answers."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from fedsoft.datasets import Annotations
from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.partition import PARTITIONS, Partition
from fedsoft.streams import stream


@PARTITIONS("by_annotator")
class ByAnnotator(Partition):
    """A client is an annotator, or a team of them, who holds the items they answered and their own answers.

    Items that several clients answered are held by each of them. A tenth of all is kept from all clients for
    validation; what is tested is divided in clients' label proportions.

    With ``sets``, people are dealt at random into so many sets, once for all seeds, and seed s has its
    clients from set s mod ``sets``. So seeds of different sets are of different people, and intervals, which
    then take sets for what is independent, speak of other people of the same kind: see `Crossing.effects`.
    """

    overlaps: ClassVar[bool] = True

    people: int | None = Field(
        None,
        ge=1,
        description="people a client, of those with most answers; without it, everybody is in some client's "
        "team, dealt at random",
    )
    sets: int | None = Field(
        None,
        ge=2,
        description="sets of people; each seed has its clients from one of them, seed s from set s mod sets, "
        "so that intervals speak of other people too; without it, all seeds share their people",
    )

    def dump(self) -> dict[str, Any]:
        """As every choice; runs without sets are called as before there could be any."""
        return {key: value for key, value in super().dump().items() if key != "sets" or value is not None}

    def set_of(self, seed: int) -> int | None:
        """The set of people that a seed's clients are from; None where all seeds share theirs."""
        return None if self.sets is None else seed % self.sets

    def may_be_clients(self, answers: Annotations, seed: int) -> np.ndarray | None:
        """(R,) whether an annotator is of the seed's set; None where everybody is."""
        if self.sets is None:
            return None
        given = np.bincount(answers.annotator)
        mine = np.full(len(given), -1)
        dealt = stream("people's sets", sets=self.sets).permutation(np.flatnonzero(given))
        mine[dealt] = np.arange(len(dealt)) % self.sets
        return mine == self.set_of(seed)

    def teams(
        self,
        answers: Annotations,
        clients: int,
        rng: np.random.Generator,
        among: np.ndarray | None = None,
    ) -> np.ndarray:
        """(R,) the client of each annotator, -1 for those who are in none; clients are in order of their
        people.

        Args:
            answers: who answered what.
            clients: number of clients.
            rng: deals.
            among: (R,) who may be a client; None for everybody.

        Raises:
            StudyFileError: there are too few people.
        """
        given = np.bincount(answers.annotator)
        given = given if among is None else given * among
        order = np.lexsort((rng.random(len(given)), -given))
        order = order[: int((given > 0).sum())]
        wanted = clients * (self.people or 1)
        if len(order) < wanted:
            where, more = ("", "") if among is None else (" in the seed's set", ", or the sets")
            raise StudyFileError(
                f"partition {self.label()!r} has {plural(len(order), 'annotator')}{where} for "
                f"{plural(clients, 'client')}; lower scenario.clients or the people a client{more}."
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

    def views(
        self, labels: np.ndarray, clients: int, rng: np.random.Generator, groups: np.ndarray | None = None
    ) -> Clients:
        """Refused, since it takes answers.

        Raises:
            StudyFileError: always.
        """
        raise StudyFileError(
            "partition 'by_annotator' needs to know who answered what, and the data do not say it; give a "
            "file of answers with a column of annotators, or choose another partition."
        )
