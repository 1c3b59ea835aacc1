"""The scenario of a study: clients, partition, and what each party's labels come from."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fedsoft.annotators import CROWDS, NOISES, AnnotatorNoise, AnnotatorPool, SimulatedCrowd
from fedsoft.annotators.noise import NoNoise
from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.registry import nearest
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.scenarios.mishaps import Mishaps
from fedsoft.scenarios.partition import PARTITIONS, Iid, Partition
from fedsoft.supervision import SOURCES, LabelSource

CrowdChoice = Annotated[SimulatedCrowd, CROWDS.validator, CROWDS.serializer]


class Party(BaseModel):
    """Some of the clients, and what sets their labels apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int | None = Field(None, ge=1, description="number of clients, chosen at random")
    share: float | None = Field(None, gt=0, le=1, description="or a share of the clients, chosen at random")
    clients: tuple[int, ...] | None = Field(None, min_length=1, description="or these clients, by number")
    annotators: tuple[str, ...] | None = Field(
        None, min_length=1, description="or the clients whose people these are among, under `by_annotator`"
    )
    source: Annotated[LabelSource, SOURCES.validator, SOURCES.serializer] | None = Field(
        None, description="their label source, whatever source the run compares"
    )
    crowd: CrowdChoice | None = Field(
        None, description="simulated people who answer instead of the data's own; see `list crowds`"
    )
    votes: int | None = Field(
        None, ge=1, description="votes collected an example; without it, all there are, or all of a crowd's"
    )
    noise: Annotated[AnnotatorNoise, NOISES.validator, NOISES.serializer] = Field(
        default_factory=NoNoise, description="how their annotators err"
    )

    @property
    def pool(self) -> AnnotatorPool:
        """The annotators behind these clients."""
        return AnnotatorPool(votes=self.votes, noise=self.noise)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.count, self.share, self.clients, self.annotators)) != 1:
            raise ValueError("a party takes one of `count`, `share`, `clients` and `annotators`")
        _check_crowd(self.crowd, self.votes, self.noise)
        return self


class Scenario(BaseModel):
    """Who holds what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clients: int = Field(10, ge=1, description="number of clients")
    partition: Annotated[Partition, PARTITIONS.validator, PARTITIONS.serializer] = Field(
        default_factory=Iid, description="who holds which examples; see `list partitions`"
    )
    participation: float = Field(1.0, gt=0, le=1, description="share of the clients in each round's cohort")
    sampling: Literal["fixed", "poisson"] = Field(
        "fixed",
        description="cohorts of one size, or of whoever a coin of its own lets in: `participation` is its "
        "probability",
    )
    crowd: CrowdChoice | None = Field(
        None, description="simulated people who answer for clients in no party; see `list crowds`"
    )
    votes: int | None = Field(None, ge=1, description="votes collected an example, by clients in no party")
    noise: Annotated[AnnotatorNoise, NOISES.validator, NOISES.serializer] = Field(
        default_factory=NoNoise, description="how annotators of clients in no party err"
    )
    few_votes: Literal["refuse", "take"] = Field(
        "refuse", description="where an example has fewer votes than are bought of it: `take` those there are"
    )
    label_errors: float = Field(
        0.0, ge=0, lt=1, description="share of the clients' labels that are wrong, as people would err"
    )
    parties: tuple[Party, ...] = Field((), description="clients whose labels come from elsewhere")
    mishaps: Mishaps = Mishaps()
    enough: float = Field(
        0.5,
        ge=0,
        le=1,
        description="least share of a cohort whose updates must arrive; a round with fewer leaves the model "
        "as it is, and ends the run where clients raised errors",
    )
    server_examples: int = Field(
        0, ge=0, description="unlabelled examples at the server, taken from those that clients would train on"
    )

    @model_validator(mode="after")
    def _parties_fit(self) -> Self:
        _check_crowd(self.crowd, self.votes, self.noise)
        named = [number for party in self.parties for number in party.clients or ()]
        if len(named) != len(set(named)):
            raise ValueError("a client is named twice in parties")
        if named and not 0 <= min(named) <= max(named) < self.clients:
            raise ValueError(f"parties name clients outside 0 to {self.clients - 1}")
        if sum(self._taken()) > self.clients - len(named):
            raise ValueError("the parties ask for more clients than there are")
        if any(party.annotators for party in self.parties) and not isinstance(self.partition, ByAnnotator):
            raise ValueError(
                'parties by `annotators` need partition = "by_annotator", where clients are people'
            )
        in_sets = isinstance(self.partition, ByAnnotator) and self.partition.sets
        if in_sets and any(party.annotators for party in self.parties):
            raise ValueError(
                "parties by `annotators` name people who, with `sets`, are clients in some seeds only; leave "
                "out `sets`, or give the party a share"
            )
        for party, taken in zip(self.parties, self._taken(), strict=True):
            if party.share and not taken:
                clients = plural(self.clients, "client")
                raise ValueError(f"a party's share of {party.share} of {clients} is none")
        return self

    def _taken(self) -> list[int]:
        """How many clients each party draws; shares are rounded together, so that in sum 1 is all."""
        ends = np.cumsum([party.share or 0 for party in self.parties]) * self.clients
        shares = np.diff(np.round(ends), prepend=0).astype(int).tolist()
        return [party.count or share for party, share in zip(self.parties, shares, strict=True)]

    @property
    def simulated(self) -> bool:
        """Whether simulated people answer for any client."""
        return self.crowd is not None or any(party.crowd is not None for party in self.parties)

    def party(self, number: int) -> Party:
        """A party by its number; -1 is everyone else."""
        if number >= 0:
            return self.parties[number]
        return Party(share=1, crowd=self.crowd, votes=self.votes, noise=self.noise)

    def party_of(self, rng: np.random.Generator, client_of: Mapping[str, int] | None = None) -> np.ndarray:
        """(clients,) number of each client's party; -1 for those in none.

        Args:
            rng: chooses the clients of parties that are a number or a share of them.
            client_of: the client of each annotator, where clients are people.

        Raises:
            StudyFileError: a party names an annotator who is in no client's team, or a client of another
                party.
        """
        party_of = np.full(self.clients, -1)
        for number, party in enumerate(self.parties):
            named = [*(party.clients or ()), *_clients_of(party.annotators or (), client_of or {})]
            if (party_of[named] >= 0).any():
                raise StudyFileError(
                    f"scenario.parties: client {next(c for c in named if party_of[c] >= 0)} is in two "
                    "parties; name each annotator's client once."
                )
            party_of[named] = number
        free = rng.permutation(np.flatnonzero(party_of < 0))
        if sum(self._taken()) > len(free):
            raise StudyFileError("scenario.parties ask for more clients than there are; lower one's number.")
        for number, taken in enumerate(self._taken()):
            party_of[free[:taken]], free = number, free[taken:]
        return party_of


def _check_crowd(crowd: SimulatedCrowd | None, votes: int | None, noise: AnnotatorNoise) -> None:
    """ValueError where people cannot answer so, or would err twice."""
    if crowd is None:
        return
    if votes is not None and votes > crowd.people:
        raise ValueError(
            f"{plural(votes, 'vote')} an example are more than the {crowd.people} of the crowd's people"
        )
    if not isinstance(noise, NoNoise):
        raise ValueError("simulated people err by themselves; leave `noise` out, or `crowd`")


def _clients_of(annotators: tuple[str, ...], client_of: Mapping[str, int]) -> list[int]:
    """The clients in whose teams some annotators are."""
    if absent := [name for name in annotators if name not in client_of]:
        raise StudyFileError(
            f"scenario.parties: annotator {absent[0]!r} is in no client's team "
            f"({nearest(absent[0], sorted(client_of)[:20])})."
        )
    return sorted({client_of[name] for name in annotators})
