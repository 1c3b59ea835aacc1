"""Maps of training examples against people's uncertainty, as far as nobody trained on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.special import stdtrit

from fedsoft.annotators import split_half
from fedsoft.evaluation import entropy, rank_correlation, soft_labels
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.plan import Cell
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.votes import bought_votes

QUANTITIES = ("confidence", "variability", "correctness")
PEOPLE = "people"
"""Stands for the source, and for the quantity `reliability`, where votes are compared with votes."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's correlation with the entropy of people's votes, over the training examples of a seed.

    Attributes:
        source: label of the source; ``people`` where the quantity is itself an entropy of votes.
        strategy: empty for people.
        quantity: confidence, variability or correctness; for people, reliability.
        correlation: mean over seeds.
        low: of its 95 % interval by Student's t over seeds; NaN with one seed.
    """

    source: str
    strategy: str
    quantity: str
    correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class TrainingMap:
    """Where the training examples of one run lie, and how uncertain people are of each: (M,) all."""

    confidence: np.ndarray
    variability: np.ndarray
    correctness: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class Atlas:
    """All maps of one cell of the grid.

    Attributes:
        votes: whether people's uncertainty is that of votes that no client bought, ``unseen``, or, where
            clients bought them all, of those that were ``trained on``.
        correlations: of every source under every strategy, and of people with themselves.
        maps: by strategy and source, those of the first finished seed.
    """

    votes: Literal["unseen", "trained on"]
    correlations: list[Correlation]
    maps: dict[tuple[str, str], TrainingMap]


@dataclass(frozen=True)
class People:
    """What people say of a seed's training examples.

    Attributes:
        rows: (M,) dataset rows of the examples with at least two votes to tell their uncertainty by.
        uncertainty: (M,) entropy of these votes, in nats.
        reliability: rank correlation of this entropy with that of as far as possible other votes.
        unseen: whether no client bought these votes.
    """

    rows: np.ndarray
    uncertainty: np.ndarray
    reliability: float
    unseen: bool


def people_of(run: RunSettings) -> People:
    """People's uncertainty of a run's training examples, by votes that nobody trains on where there are any.

    The votes that clients buy are drawn anew from the streams that drew them for training, before annotators'
    slips. Reliability sets the entropy of the unseen votes against that of the bought ones; where none are
    unseen, or some clients bought none, that of one random half of the votes against that of the other.
    """
    dataset = load_dataset(run.dataset)
    train = deal_data(run, dataset).train
    every = dataset.require_counts("cartography")[train.rows]
    bought = bought_votes(run, dataset, train)
    unseen = (every - bought).sum(axis=1) >= 2
    if unseen.any():
        known, first, second = unseen, (every - bought)[unseen], bought[unseen]
        uncertainty = _entropy(first)
        if not second.any(axis=1).all():  # simulated people answered
            first, second = split_half(first, stream("halves of votes", seed=run.seed))
    else:
        known = every.sum(axis=1) >= 2
        first, second = split_half(every[known], stream("halves of votes", seed=run.seed))
        uncertainty = _entropy(every[known])
    reliability = float(rank_correlation(_entropy(first), _entropy(second)))
    return People(train.rows[known], uncertainty.numpy(), reliability, bool(unseen.any()))


def make_atlas(cell: Cell, store: Store) -> Atlas | None:
    """Maps and correlations of the runs that followed their training examples.

    As everywhere, a seed counts once all its runs under a strategy are done.

    Returns:
        None where there is no map, or the data have no votes that could be drawn.
    """
    if not cell.study.cartography or not load_dataset(cell.study.dataset).counted:
        return None
    unfinished = {(run.strategy.label(), run.seed) for run in cell.runs if not store.is_done(run.key)}
    people: dict[int, People] = {}
    found: dict[tuple[str, str, str], list[float]] = {}
    maps: dict[tuple[str, str], TrainingMap] = {}
    for run in cell.runs:
        source, strategy = run.arm.label(), run.strategy.label()
        if not run.cartography or run.kind != "trained" or (strategy, run.seed) in unfinished:
            continue
        if run.seed not in people:
            people[run.seed] = people_of(run)
        lies = _read(store.predictions(run.key), people[run.seed])
        maps.setdefault((strategy, source), lies)
        for name in QUANTITIES:
            pair = (torch.from_numpy(values) for values in (getattr(lies, name), lies.people))
            found.setdefault((source, strategy, name), []).append(float(rank_correlation(*pair)))
    if not maps:
        return None
    found[PEOPLE, "", "reliability"] = [theirs.reliability for theirs in people.values()]
    return Atlas(
        "unseen" if all(theirs.unseen for theirs in people.values()) else "trained on",
        [Correlation(*key, *over_seeds(values)) for key, values in found.items()],
        maps,
    )


def _read(made: Mapping[str, np.ndarray], people: People) -> TrainingMap:
    """A stored map, as far as people's uncertainty of its examples is known."""
    order = np.argsort(made["train_rows"])
    place = order[np.searchsorted(made["train_rows"], people.rows, sorter=order)]
    confidence, variability, correctness = (made[f"cartography_{name}"][place] for name in QUANTITIES)
    return TrainingMap(confidence, variability, correctness, people.uncertainty)


def over_seeds(values: list[float]) -> tuple[float, float, float]:
    """Mean of one value a seed, and its 95 % interval by Student's t; NaN for the ends with one seed."""
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return mean, np.nan, np.nan
    half = float(stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(count))
    return mean, mean - half, mean + half


def _entropy(votes: np.ndarray) -> torch.Tensor:
    return entropy(soft_labels(torch.from_numpy(votes)))
