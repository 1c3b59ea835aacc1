"""What clients of a run train on: targets made of labels, collected votes and a model's predictions."""

from dataclasses import dataclass

import numpy as np

from fedsoft.datasets import AnnotatedDataset
from fedsoft.errors import DataError
from fedsoft.scenarios import Clients
from fedsoft.study.data import load_dataset
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.votes import parties_of
from fedsoft.supervision import DeliveryName, Evidence, supervise
from fedsoft.supervision.teacher import Teacher
from fedsoft.training import Deliveries, Delivery, Multipass, Stochastic


@dataclass(frozen=True)
class Holdings:
    """What the clients of a run hold before they have targets.

    Attributes:
        settings: the run's.
        dataset: the data.
        labels: (N,) the labels that clients have.
        train: views of the M training examples.
        places: (M,) the place of each training example among them, where clients share images and so have
            targets of their own for one; else None.
    """

    settings: RunSettings
    dataset: AnnotatedDataset
    labels: np.ndarray
    train: Clients
    places: np.ndarray | None


@dataclass(frozen=True)
class Targets:
    """What is trained on.

    Attributes:
        rows: (M, C) targets, in the order of the training examples.
        delivery: how those are delivered that clients do not see whole.
        votes_bought: answers that they cost, over all clients; neither the dataset's labels are counted nor
            votes that only tell a source how soft people are on average.
        privacy_spent: ε by unit, where labels are private.
    """

    rows: np.ndarray
    delivery: Deliveries | None
    votes_bought: int
    privacy_spent: dict[str, float]


def build_targets(held: Holdings, store: Store) -> Targets:
    """Targets of all training examples, party by party.

    Raises:
        DataError: the data cannot give what a source needs, or a teacher has not run.
    """
    settings, dataset, train, places = held.settings, held.dataset, held.train, held.places
    targets = np.empty((len(train.rows), dataset.classes), np.float64 if places is None else np.float32)
    rules: list[Delivery] = []
    of_client = np.full(len(train), -1)
    bought = 0
    spent: dict[str, float] = {}
    for number, rows, party, named in parties_of(settings, train):
        source, votes = party.source or settings.source, None
        if source.needs_votes:
            dataset.require_votes(f"label source {source.label()!r}")
        if dataset.votes is not None and source.needs_votes:
            mine = train.rows[rows]
            votes = party.pool.collect(dataset.votes[mine], dataset.labels[mine], named("votes collected"))
        annotations = None
        if dataset.annotations is not None and party.pool.takes_all and places is None:
            annotations = dataset.annotations.of_items(train.rows[rows])
        predictions = None
        if isinstance(source, Teacher):
            predictions = teacher_predictions(settings, source, store)[train.rows[rows]]
        evidence = Evidence(
            held.labels[train.rows[rows]],
            dataset.classes,
            train.owner[rows],
            votes=votes,
            predictions=predictions,
            annotations=annotations,
            labels_are_majority=dataset.labels_are_majority,
        )
        targets[rows], answers = supervise(source, evidence, settings.privacy, named)
        if answers is not None:
            if source.delivery != "whole":
                shown = targets[rows] if source.delivery == "stochastic" else answers
                order = settings.stream("training", "vote order", party=number)
                where, size = (train.rows, len(dataset)) if places is None else (places, len(places))
                of_client[train.owner[rows]] = len(rules)
                rules.append(_rule(source.delivery, where[rows], shown, size, order))
            bought += int(answers.sum()) if source.needs_votes and not source.borrows_rate else 0
            if settings.privacy:
                part = settings.privacy.spent(answers)
                spent = {name: max(value, spent.get(name, 0.0)) for name, value in part.items()}
    return Targets(targets, Deliveries(tuple(rules), of_client) if rules else None, bought, spent)


def _rule(
    name: DeliveryName, rows: np.ndarray, shown: np.ndarray, size: int, rng: np.random.Generator
) -> Delivery:
    """How rows (n,) of a table of targets are delivered, from soft labels or their votes (n, C)."""
    placed = np.zeros((size, shown.shape[1]), shown.dtype)
    placed[rows] = shown
    return Stochastic(placed) if name == "stochastic" else Multipass.shuffled(placed, rng)


def teacher_predictions(settings: RunSettings, source: Teacher, store: Store) -> np.ndarray:
    """(N, C) mean out-of-fold predictions of a source's models, two halves each; NaN where there are none.

    Raises:
        DataError: the teacher has not run.
    """
    dataset = load_dataset(settings.dataset)
    predictions = np.full((source.models, len(dataset), dataset.classes), np.nan)
    for teacher in settings.teachers():
        model = teacher.redraw.training
        if teacher.pooled == source.pooled and model < source.models:
            if not store.is_done(teacher.key):
                raise DataError(f"the teacher of this run has not run: {teacher.label()}.")
            made = store.predictions(teacher.key)
            if "held_out" in made:  # a half may be empty where clients hold one example
                predictions[model, made["held_out_rows"]] = made["held_out"]
    mean: np.ndarray = predictions.mean(axis=0)
    return mean
