"""Which votes clients of a run buy, and on which answers calibrators are fitted."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from fedsoft.annotators import draw_one
from fedsoft.datasets import AnnotatedDataset
from fedsoft.scenarios import Clients, Party
from fedsoft.study.data import load_dataset
from fedsoft.study.settings import RunSettings

Named = Callable[[str], np.random.Generator]
"""Gives the generator for a purpose."""


def parties_of(settings: RunSettings, train: Clients) -> Iterator[tuple[int, np.ndarray, Party, Named]]:
    """Each party: its number, its places (n,) among the training examples, itself, and its named streams."""
    scenario = settings.scenario
    party_of = scenario.party_of(settings.stream("partition", "parties"))[train.owner]
    for number in np.unique(party_of).tolist():
        named = partial(settings.stream, "votes", party=number)
        yield number, np.flatnonzero(party_of == number), scenario.party(number), named


def bought_votes(settings: RunSettings, dataset: AnnotatedDataset, train: Clients) -> np.ndarray:
    """(M, C) the votes that clients bought for their training examples, before annotators' slips.

    Raises:
        DataError: the dataset has no votes, or an image fewer than are bought.
    """
    votes = dataset.require_votes("a count of bought votes")[train.rows]
    for _, rows, party, named in parties_of(settings, train):
        votes[rows] = party.pool.draw(votes[rows], named("votes collected"))
    return votes


def drawn_votes(run: RunSettings, rows: np.ndarray) -> np.ndarray:
    """One vote for each of some dataset rows (n,), as the class it names: the same in all runs of a seed.

    Raises:
        DataError: the data have no votes.
    """
    dataset = load_dataset(run.dataset)
    votes = dataset.require_votes("calibration on votes")
    drawn: np.ndarray = draw_one(votes, run.stream("votes", "votes to calibrate on"))[rows]
    return drawn
