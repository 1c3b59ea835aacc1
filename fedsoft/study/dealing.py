"""Who holds which examples of a run, with which labels."""

import numpy as np

from fedsoft.annotators import plant_label_errors
from fedsoft.datasets import AnnotatedDataset, fold_of
from fedsoft.errors import DataError
from fedsoft.scenarios import Clients, Deal, Known, deal, difficulty_of
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.streams import stream
from fedsoft.study.settings import RunSettings

NO_VALIDATION = (
    "calibration needs validation examples, and no client has the ten examples that give one; use fewer "
    "clients, or leave calibrated rivals out."
)
"""Where it is refused to calibrate on nothing."""


def deal_data(settings: RunSettings, dataset: AnnotatedDataset) -> Deal:
    """Who holds what in a run: the same for all sources and strategies of a seed."""
    tested, partition, among = is_tested(settings, dataset), settings.scenario.partition, None
    difficulty = None if dataset.votes is None else difficulty_of(dataset.votes)
    if isinstance(partition, ByAnnotator) and dataset.annotations is not None:
        among = partition.may_be_clients(dataset.annotations, settings.seed)
    return deal(
        Known(dataset.labels, dataset.groups, difficulty),
        ~tested,
        tested,
        partition,
        settings.scenario.clients,
        lambda purpose: settings.stream("partition", purpose),
        people=dataset.people,
        answers=dataset.annotations,
        server_examples=settings.scenario.server_examples,
        among=among,
    )


def people_set(settings: RunSettings) -> int | None:
    """The set of people that a run's clients are from, where each seed has one; else None."""
    partition = settings.scenario.partition
    return partition.set_of(settings.seed) if isinstance(partition, ByAnnotator) else None


def client_labels(settings: RunSettings, dataset: AnnotatedDataset) -> np.ndarray:
    """(N,) the labels that clients train and validate with: the dataset's, some of them wrong where asked.

    Test examples keep theirs.

    Raises:
        DataError: errors are asked for, and the dataset has no votes to make them of.
    """
    rate, labels = settings.scenario.label_errors, dataset.labels
    if not rate:
        return labels
    if dataset.votes is None:
        raise DataError(
            "scenario.label_errors plants the errors that people would make, which takes human votes, but "
            f"dataset {dataset.name!r} has only labels; add votes to the data, or set it to 0."
        )
    mine = ~is_tested(settings, dataset)
    labels = labels.copy()
    rng = stream("label errors", seed=settings.seed)
    labels[mine] = plant_label_errors(labels[mine], dataset.votes[mine], rate, rng)
    return labels


def is_tested(settings: RunSettings, dataset: AnnotatedDataset) -> np.ndarray:
    """(N,) whether an example is held out for testing."""
    return tested_in(dataset, settings.folds, settings.fold)


def tested_in(dataset: AnnotatedDataset, folds: int, fold: int) -> np.ndarray:
    """(N,) whether an example is held out for testing in one of some folds."""
    testable = np.ones(len(dataset), dtype=bool) if dataset.testable is None else dataset.testable
    if dataset.held_out is not None:
        return dataset.held_out & testable
    rows = np.flatnonzero(testable)
    people = None if dataset.people is None else dataset.people[rows]
    tested = np.zeros(len(dataset), dtype=bool)
    rng = stream("folds", folds=folds)
    tested[rows] = fold_of(dataset.labels[rows], folds, rng, people) == fold
    return tested


def fold_sentence(dataset: AnnotatedDataset, folds: int) -> str:
    """What is held out for testing, and what is never parted by it."""
    apart = "" if dataset.people is None else ", and nobody's are in training and in test at once"
    if dataset.held_out is not None:
        return f"{dataset.held_out.sum():,} {dataset.noun} are for testing only, as the data say."
    return f"One of {folds} folds of the {dataset.noun} is held out in turn, stratified by label{apart}."


def strangers_sentence(dealt: Deal, dataset: AnnotatedDataset) -> str | None:
    """How many test examples are of groups that no client holds, and who is tested on them; None for none."""
    if not dealt.strangers:
        return None
    return (
        f"{dealt.strangers:,} of {len(dealt.test.rows):,} test {dataset.noun} are of groups that no client "
        "holds, and are dealt by clients' label proportions."
    )


def halves_of(train: Clients, rng: np.random.Generator, people: np.ndarray | None = None) -> np.ndarray:
    """(M,) half of each training example: alternating, in random order, within each client.

    Where clients share examples, each is in one half for all of them. People (N,), by dataset row, are never
    in both: they alternate as examples do.
    """
    if people is not None:
        _, first, place = np.unique(people[train.rows], return_index=True, return_inverse=True)
        return _alternating(train.owner[first], rng)[place]
    examples, place = np.unique(train.rows, return_inverse=True)
    if len(examples) < len(train.rows):
        shared: np.ndarray = (rng.permutation(len(examples)) % 2)[place]
        return shared
    return _alternating(train.owner, rng)


def _alternating(owner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(M,) 0 and 1 in turn among the entries of each owner, in random order."""
    order = np.lexsort((rng.random(len(owner)), owner))
    half = np.empty(len(owner), dtype=np.int64)
    half[order] = (np.arange(len(owner)) - np.searchsorted(owner[order], owner[order])) % 2
    return half
