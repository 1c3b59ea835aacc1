"""Who holds which examples of a run, with which labels."""

import numpy as np

from fedsoft.annotators import plant_label_errors
from fedsoft.datasets import AnnotatedDataset, fold_of
from fedsoft.errors import DataError
from fedsoft.scenarios import Clients, Deal, deal
from fedsoft.streams import stream
from fedsoft.study.settings import RunSettings

NO_VALIDATION = (
    "calibration needs validation examples, and no client has the ten examples that give one; use fewer "
    "clients, or leave calibrated rivals out."
)
"""Where it is refused to calibrate on nothing."""


def deal_data(settings: RunSettings, dataset: AnnotatedDataset) -> Deal:
    """Who holds what in a run: the same for all sources and strategies of a seed."""
    tested = is_tested(settings, dataset)
    return deal(
        dataset.labels,
        ~tested,
        tested,
        settings.scenario.partition,
        settings.scenario.clients,
        lambda purpose: settings.stream("partition", purpose),
        dataset.groups,
    )


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
    if dataset.held_out is not None:
        return dataset.held_out
    fold = fold_of(dataset.labels, settings.folds, stream("folds", folds=settings.folds))
    tested: np.ndarray = fold == settings.fold
    return tested


def halves_of(train: Clients, rng: np.random.Generator) -> np.ndarray:
    """(M,) half of each training example: alternating, in random order, within each client.

    Where clients share images, each image is in one half for all of them.
    """
    images, place = np.unique(train.rows, return_inverse=True)
    if len(images) < len(train.rows):
        shared: np.ndarray = (rng.permutation(len(images)) % 2)[place]
        return shared
    owner = train.owner
    order = np.lexsort((rng.random(len(owner)), owner))
    half = np.empty(len(owner), dtype=np.int64)
    half[order] = (np.arange(len(owner)) - train.offsets[owner[order]]) % 2
    return half
