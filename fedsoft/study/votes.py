"""Which votes clients of a run buy, and on which answers calibrators are fitted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from fedsoft.annotators import SimulatedCrowd, draw_one
from fedsoft.annotators.crowds import Said, Sight
from fedsoft.datasets import AnnotatedDataset, Annotations, Dataset
from fedsoft.scenarios import Clients, Party
from fedsoft.study.data import content_of, load_dataset
from fedsoft.study.dealing import client_labels
from fedsoft.study.settings import RunSettings

Named = Callable[[str], np.random.Generator]
"""Gives the generator for a purpose."""


def parties_of(
    settings: RunSettings, dataset: AnnotatedDataset, train: Clients, team: np.ndarray | None = None
) -> Iterator[tuple[int, np.ndarray, Party, Named]]:
    """Each party: its number, its places (n,) among the training examples, itself, and its named streams.

    Where clients are people, ``team`` (R,) is the client of each annotator.
    """
    party_of = party_of_clients(settings, dataset, team)[train.owner]
    for number in np.unique(party_of).tolist():
        named = partial(settings.stream, "votes", party=number)
        yield number, np.flatnonzero(party_of == number), settings.scenario.party(number), named


def party_of_clients(
    settings: RunSettings, dataset: AnnotatedDataset, team: np.ndarray | None = None
) -> np.ndarray:
    """(clients,) number of each client's party, -1 for those in none.

    Where clients are people, ``team`` (R,) is the client of each annotator.
    """
    client_of = {}
    if team is not None and dataset.annotations is not None:
        ids = dataset.annotations.annotator_ids
        names = np.arange(len(team)) if ids is None else ids
        client_of = {str(names[one]): int(team[one]) for one in np.flatnonzero(team >= 0)}
    return settings.scenario.party_of(settings.stream("partition", "parties"), client_of)


def answers_held(dataset: AnnotatedDataset, train: Clients, team: np.ndarray | None) -> Annotations | None:
    """The single answers that clients hold, items being places among the M training examples.

    Where clients are teams of people (R,) who are numbered by client, each holds what its own people
    answered; None where it is not known who answered.
    """
    answers = dataset.annotations
    if answers is None or team is None:
        return answers and answers.of_items(train.rows)
    held = train.owner * len(dataset) + train.rows  # ascending: rows are so within each client
    wanted = team[answers.annotator] * len(dataset) + answers.item
    place = np.searchsorted(held, wanted).clip(max=len(held) - 1)
    kept = (team[answers.annotator] >= 0) & (held[place] == wanted)
    return replace(answers, item=place[kept], annotator=answers.annotator[kept], label=answers.label[kept])


def simulated_answers(
    settings: RunSettings, crowd: SimulatedCrowd, votes: int | None, rows: np.ndarray, owner: np.ndarray
) -> Said:
    """What simulated people answer to some clients' items.

    Every client's people and answers have streams of their own, which know of no other client or party.

    Args:
        settings: the run's.
        crowd: the people.
        votes: answers an item; None for everybody's.
        rows: (n,) dataset rows.
        owner: (n,) the client that asks, ascending.

    Raises:
        DataError: the data do not tell what such people are like.
    """
    sight = _sight(type(crowd), settings.dataset, content_of(settings.dataset))
    return crowd.collect(
        sight, rows, owner, votes, lambda purpose, client: settings.stream("votes", purpose, client=client)
    )


@lru_cache(maxsize=4)
def _sight(kind: type[SimulatedCrowd], choice: Dataset, content: str) -> Sight:
    return kind.looks(load_dataset(choice))


def bought_votes(settings: RunSettings, dataset: AnnotatedDataset, train: Clients) -> np.ndarray:
    """(M, C) the dataset's votes that clients bought for their training examples, before annotators' slips.

    Where simulated people answer, they bought none of them.

    Raises:
        DataError: the dataset has no votes, or an image fewer than are bought.
    """
    votes = dataset.require_votes("a count of bought votes")[train.rows]
    for _, rows, party, named in parties_of(settings, dataset, train):
        if party.crowd is not None:
            votes[rows] = 0
            continue
        fewer = settings.scenario.few_votes == "take"
        votes[rows] = party.pool.draw(votes[rows], named("votes collected"), fewer)
    return votes


def drawn_votes(run: RunSettings, rows: np.ndarray) -> np.ndarray:
    """One vote for each of some dataset rows (n,), as the class it names: the same in all runs of a seed.

    Where an item has no vote, its label stands in.

    Raises:
        DataError: the data have no votes.
    """
    dataset = load_dataset(run.dataset)
    votes, voted = dataset.require_votes("calibration on votes"), dataset.voted
    drawn = client_labels(run, dataset).copy()
    drawn[voted] = draw_one(votes[voted], run.stream("votes", "votes to calibrate on"))
    return drawn[rows]
