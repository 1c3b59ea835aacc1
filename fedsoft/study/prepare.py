"""From a run's settings to what its clients train on and what it is scored on."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fedsoft.datasets import AnnotatedDataset
from fedsoft.errors import DataError, StudyFileError
from fedsoft.evaluation import onehot
from fedsoft.federation import Task
from fedsoft.scenarios import Deal, Mishaps
from fedsoft.study.canaries import Planted
from fedsoft.study.data import input_tensor, load_dataset
from fedsoft.study.dealing import client_labels, deal_data, halves_of
from fedsoft.study.protection import Protection, protection_of
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.targets import Holdings, build_targets
from fedsoft.supervision import describe_targets
from fedsoft.supervision.softness import Softness


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
        held_out: for a teacher or prior, the training rows that it does not train on and predicts; else
            empty.
        votes_bought: votes that the targets cost, over all clients; the dataset's labels are not counted.
        summary: entropy, top mass and mode-shift rate of the targets.
        quality: (K,) how good clients' annotation of the training examples really is: the share of all that
            their annotators answered, errors included, which is the dataset's ``label``, and where there are
            votes, which is the ``majority`` of all of these (ties left out). Where a client trains without
            votes, the likeliest class of a target is its one answer. NaN without any; no client knows it.
        softness: what noise does to the softness of targets, stage by stage, where labels are private.
        planted: canaries, where the run is audited.
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
    quality: dict[str, np.ndarray]
    softness: Softness
    planted: Planted | None = None

    @cached_property
    def protection(self) -> Protection | None:
        """What protects the training, with its noise solved for; only a server asks."""
        if self.planted and self.settings.role == "run":
            return self.planted.protection
        return protection_of(self.settings.privacy, self.task, self.settings.rounds)

    @property
    def spent(self) -> dict[str, float | str]:
        """What the run spends of privacy: on labels, and on training."""
        return {**self.privacy_spent, **(self.protection.spent if self.protection else {})}

    @cached_property
    def validation(self) -> tuple[Tensor, Tensor]:
        """(V,) rows of the validation examples, and the labels that clients have, one-hot (V, C)."""
        rows, device = torch.from_numpy(self.deal.validation.rows), self.task.inputs.device
        labels = torch.from_numpy(self.labels)[rows].to(device)
        return rows.to(device), onehot(labels, self.dataset.classes)

    @cached_property
    def validation_inputs(self) -> Tensor:
        """(V, …) inputs of the validation examples, for who wants them in every round."""
        return self.task.inputs.index_select(0, self.validation[0])


def prepare(settings: RunSettings, store: Store, device: str, planted: Planted | None = None) -> Prepared:
    """Deal the data, collect votes, build targets; with canaries planted where the run is audited.

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
        half = halves_of(train, settings.stream("partition", "teacher halves"), dataset.people)
        held_out = train.rows[half != settings.half]
        held_out = np.unique(held_out) if settings.scenario.partition.overlaps else held_out
        train = train.keep(half == settings.half)
        train = train.pooled() if settings.pooled else train
    train = planted.take_part(train) if planted else train
    # Clients who share an image have targets of their own for it.
    places = np.arange(len(train.rows)) if settings.scenario.partition.overlaps else None
    asked = None
    if settings.role == "prior":
        asked = (
            halves_of(train, settings.stream("partition", "prior halves"), dataset.people) == settings.half
        )
        held_out = train.rows[~asked]
    held = Holdings(settings, dataset, labels, train, places, dealt.team, asked, planted)
    targets = build_targets(held, store)
    if asked is not None:
        train, targets = train.keep(asked), replace(targets, rows=targets.rows[asked])
    inputs = input_tensor(settings.dataset, device)
    try:
        settings.model.shapes(tuple(inputs.shape[1:]), dataset.classes)
    except ValueError as error:
        raise StudyFileError(f"{error}.") from None
    table = targets.rows
    if places is None:
        table = np.full((len(dataset), dataset.classes), np.nan, dtype=np.float32)
        table[train.rows] = targets.rows
    return Prepared(
        settings=settings,
        dataset=dataset,
        deal=dealt,
        labels=labels,
        targets=targets.rows,
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
            delivery=targets.delivery,
            mishaps=Mishaps() if settings.pooled else settings.scenario.mishaps,
            enough=settings.scenario.enough,
            secure_sum=settings.privacy.secure_sum if settings.privacy else None,
            unlabelled=dealt.server,
            sampling="fixed" if settings.pooled else settings.scenario.sampling,
        ),
        held_out=held_out,
        votes_bought=targets.votes_bought,
        privacy_spent=targets.privacy_spent,
        summary=describe_targets(targets.rows, labels[train.rows]),
        quality=targets.quality,
        softness=targets.softness,
        planted=planted,
    )
