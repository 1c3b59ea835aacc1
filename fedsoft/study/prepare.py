"""From a run's settings to what its clients train on and what it is scored on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from fedsoft.annotators import plant_label_errors
from fedsoft.datasets import AnnotatedDataset, Dataset, fold_of
from fedsoft.errors import DataError, StudyFileError
from fedsoft.evaluation import onehot
from fedsoft.federation import Task
from fedsoft.scenarios import Clients, Deal, Party, deal
from fedsoft.streams import stream
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.supervision import DeliveryName, Evidence, describe_targets, supervise
from fedsoft.supervision.teacher import Teacher
from fedsoft.training import Deliveries, Delivery, Multipass, Stochastic, as_batch

SMALL = 50_000_000
"""Inputs of so many pixels at most are turned into floats once, instead of batch by batch."""

Named = Callable[[str], np.random.Generator]
"""Gives the generator for a purpose."""


@dataclass(frozen=True)
class Prepared:
    """One run, ready to train.

    Attributes:
        settings: its settings.
        dataset: the data.
        deal: who holds what.
        labels: (N,) the labels that clients have.
        targets: (M, C) targets of the training examples, in the order of ``task.train.rows``.
        task: what clients see.
        held_out: for a teacher, the training rows that it does not train on and predicts; else empty.
        votes_bought: votes that the targets cost, over all clients; the dataset's labels are not counted.
        summary: entropy, top mass and mode-shift rate of the targets.
    """

    settings: RunSettings
    dataset: AnnotatedDataset
    deal: Deal
    labels: np.ndarray
    targets: np.ndarray
    task: Task
    held_out: np.ndarray
    votes_bought: int
    privacy_spent: dict[str, float]
    summary: dict[str, float]

    @cached_property
    def validation(self) -> tuple[Tensor, Tensor]:
        """Inputs (V, …) of the validation examples, and the labels that clients have, one-hot (V, C)."""
        rows, device = self.deal.validation.rows, self.task.inputs.device
        labels = torch.from_numpy(self.labels[rows]).to(device)
        return self.task.inputs[torch.from_numpy(rows)], onehot(labels, self.dataset.classes)


_given: dict[Dataset, AnnotatedDataset] = {}


def give_dataset(choice: Dataset, data: AnnotatedDataset) -> None:
    """Have this process work on data that it was sent, whether or not their files are here."""
    _given[choice] = data


def load_dataset(choice: Dataset) -> AnnotatedDataset:
    """A dataset as it was given, or loaded once a process, and again if its files change."""
    return _given[choice] if choice in _given else _load(choice, choice.fingerprint())


@lru_cache(maxsize=4)
def _load(choice: Dataset, content: str) -> AnnotatedDataset:
    return choice.load()


def input_tensor(choice: Dataset, device: str) -> Tensor:
    """The dataset's inputs on a device: features (N, D), or images (N, channels, H, W), as uint8 if large."""
    return _tensor(choice, "" if choice in _given else choice.fingerprint(), device)


@lru_cache(maxsize=4)
def _tensor(choice: Dataset, content: str, device: str) -> Tensor:
    inputs = load_dataset(choice).inputs
    if inputs.dtype == np.uint8 and inputs.ndim == 4:
        inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
    elif inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
    tensor = torch.from_numpy(inputs).to(device)
    return as_batch(tensor) if tensor.numel() <= SMALL else tensor


def pick_device(choice: str) -> str:
    """``auto``, ``cpu`` or ``cuda`` -> a torch device.

    Raises:
        StudyFileError: CUDA is asked for and there is none.
    """
    if choice == "cuda" and not torch.cuda.is_available():
        raise StudyFileError('device = "cuda", but torch sees no GPU; use "auto" or "cpu".')
    return ("cuda" if torch.cuda.is_available() else "cpu") if choice == "auto" else choice


def prepare(settings: RunSettings, store: Store, device: str) -> Prepared:
    """Deal the data, collect votes, build targets.

    Raises:
        DataError: the data cannot give what a source needs.
        StudyFileError: the model does not fit the inputs.
    """
    dataset = load_dataset(settings.dataset)
    dealt, labels = deal_data(settings, dataset), client_labels(settings, dataset)
    if settings.training.stop == "best_validation" and not len(dealt.validation.rows):
        raise DataError(
            'training.stop = "best_validation" needs validation examples, and no client has the ten examples '
            'that give one; use fewer clients, or stop = "last".'
        )
    train, held_out = dealt.train, np.empty(0, dtype=np.int64)
    if settings.role == "teacher":
        half = _halves(train, settings.stream("partition", "teacher halves"))
        held_out = train.rows[half != settings.half]
        held_out = np.unique(held_out) if settings.scenario.partition.overlaps else held_out
        train = train.keep(half == settings.half)
        train = train.pooled() if settings.pooled else train
    # Clients who share an image have targets of their own for it.
    places = np.arange(len(train.rows)) if settings.scenario.partition.overlaps else None
    targets, delivery, answers, spent = _targets(settings, dataset, labels, train, places, store)
    inputs = input_tensor(settings.dataset, device)
    try:
        settings.model.shapes(tuple(inputs.shape[1:]), dataset.classes)
    except ValueError as error:
        raise StudyFileError(f"{error}.") from None
    table = targets
    if places is None:
        table = np.full((len(dataset), dataset.classes), np.nan, dtype=np.float32)
        table[train.rows] = targets
    return Prepared(
        settings=settings,
        dataset=dataset,
        deal=dealt,
        labels=labels,
        targets=targets,
        task=Task(
            run=settings.key,
            seed=settings.training_seed,
            model=settings.model,
            training=settings.training,
            participation=settings.scenario.participation,
            inputs=inputs,
            targets=torch.from_numpy(table).to(device),
            train=train,
            places=places,
            delivery=delivery,
        ),
        held_out=held_out,
        votes_bought=answers,
        privacy_spent=spent,
        summary=describe_targets(targets, labels[train.rows]),
    )


def deal_data(settings: RunSettings, dataset: AnnotatedDataset) -> Deal:
    """Who holds what in a run: the same for all sources and strategies of a seed."""
    is_test = _is_test(settings, dataset)
    return deal(
        dataset.labels,
        ~is_test,
        is_test,
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
    mine = ~_is_test(settings, dataset)
    labels = labels.copy()
    rng = stream("label errors", seed=settings.seed)
    labels[mine] = plant_label_errors(labels[mine], dataset.votes[mine], rate, rng)
    return labels


def _is_test(settings: RunSettings, dataset: AnnotatedDataset) -> np.ndarray:
    """(N,) whether an example is held out for testing."""
    if dataset.held_out is not None:
        return dataset.held_out
    fold = fold_of(dataset.labels, settings.folds, stream("folds", folds=settings.folds))
    is_test: np.ndarray = fold == settings.fold
    return is_test


def _halves(train: Clients, rng: np.random.Generator) -> np.ndarray:
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


def bought_votes(settings: RunSettings, dataset: AnnotatedDataset, train: Clients) -> np.ndarray:
    """(M, C) the votes that clients bought for their training examples, before annotators' slips.

    Raises:
        DataError: the dataset has no votes, or an image fewer than are bought.
    """
    votes = dataset.require_votes("a count of bought votes")[train.rows]
    for _, rows, party, named in _parties(settings, train):
        votes[rows] = party.pool.draw(votes[rows], named("votes collected"))
    return votes


def _parties(settings: RunSettings, train: Clients) -> Iterator[tuple[int, np.ndarray, Party, Named]]:
    """Each party: its number, its places (n,) among the training examples, itself, and its named streams."""
    scenario = settings.scenario
    party_of = scenario.party_of(settings.stream("partition", "parties"))[train.owner]
    for number in np.unique(party_of).tolist():
        named = partial(settings.stream, "votes", party=number)
        yield number, np.flatnonzero(party_of == number), scenario.party(number), named


def _targets(
    settings: RunSettings,
    dataset: AnnotatedDataset,
    labels: np.ndarray,
    train: Clients,
    places: np.ndarray | None,
    store: Store,
) -> tuple[np.ndarray, Deliveries | None, int, dict[str, float]]:
    """Targets of all training examples, party by party.

    Returns:
        the targets (M, C), how those are delivered that clients do not see whole, how many answers they
        cost, and the privacy spent.
    """
    targets = np.empty((len(train.rows), dataset.classes), np.float64 if places is None else np.float32)
    rules: list[Delivery] = []
    of_client = np.full(len(train), -1)
    bought = 0
    spent: dict[str, float] = {}
    for number, rows, party, named in _parties(settings, train):
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
            labels[train.rows[rows]],
            dataset.classes,
            train.owner[rows],
            votes=votes,
            predictions=predictions,
            annotations=annotations,
        )
        targets[rows], answers = supervise(source, evidence, settings.privacy, named)
        if answers is not None:
            if source.delivery != "whole":
                shown = targets[rows] if source.delivery == "stochastic" else answers
                order = settings.stream("training", "vote order", party=number)
                where, size = (train.rows, len(dataset)) if places is None else (places, len(places))
                of_client[train.owner[rows]] = len(rules)
                rules.append(_rule(source.delivery, where[rows], shown, size, order))
            bought += int(answers.sum()) if source.needs_votes else 0
            if settings.privacy:
                part = settings.privacy.spent(answers)
                spent = {name: max(value, spent.get(name, 0.0)) for name, value in part.items()}
    return targets, Deliveries(tuple(rules), of_client) if rules else None, bought, spent


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
