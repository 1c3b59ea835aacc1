"""Clients that are alike, of one run or several, trained as one tensor program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.federation import asks
from fedsoft.federation.asked import Told
from fedsoft.federation.guided import guidance_of, look_at_own, looks, replaced, replaces, reports_of
from fedsoft.federation.protected import private_steps
from fedsoft.federation.reports import OF_FEATURES
from fedsoft.federation.tables import Table
from fedsoft.streams import stream
from fedsoft.training import (
    Parameters,
    Steps,
    features_of,
    local_update,
    plan_augmentation,
    plan_mixing,
    plan_samples,
    plan_steps,
    predict,
)


@dataclass(frozen=True)
class Trained:
    """What training made of K clients.

    Attributes:
        parameters: (K, …) of their models.
        losses: (K,) mean losses over their steps.
        order: (K,) which client each model is of, where they were written to ``out``.
        lr: learning rate of the round.
        predicted: the received model's predictions (n, C) of each one's examples, if somebody asks for them.
        features: what its last layer sees of these (n, D), likewise.
    """

    parameters: Parameters
    losses: Tensor
    order: np.ndarray
    lr: float
    predicted: list[Tensor] | None = None
    features: list[Tensor] | None = None


def train(
    asked: Sequence[Told],
    starts: Parameters,
    place: Mapping[int, int],
    table: Table,
    out: Parameters | None = None,
) -> Trained:
    """Train clients.

    Args:
        asked: the clients, who are told the same but for what is each one's own.
        starts: (R, …) the models that the clients of R runs start from.
        place: place of each run among them, by the identity of its task.
        table: the targets of these runs, and maybe of others.
        out: (K, …) where their models are to be written, in whatever order is best; by default they are new
            tensors, in the clients' own.
    """
    training, device = asked[0].task.training, asked[0].task.inputs.device
    run_of = torch.tensor([place[id(one.task)] for one in asked], device=device)
    reports, predicted, features = reports_of(asked[0]), None, None
    if looks(asked[0]):
        models = [{name: value[r] for name, value in starts.items()} for r in range(len(place))]
        predicted = look_at_own(predict, asked, models, place)
        if OF_FEATURES.intersection(reports):
            features = look_at_own(features_of, asked, models, place)
    targets, places = table.rows, None
    begin = table.begin(asked)
    if predicted is not None and replaces(asked[0]):
        targets, places = replaced(asked, predicted, targets, [table.places(one) for one in asked])
    elif begin is None:
        places = [table.places(one) for one in asked]
    rngs = _named("private steps", asked) if asks.EXAMPLE_CLIP in asked[0].config else []
    private = private_steps(asked, rngs)
    if private is None:
        steps = _batches(asked, begin, places)
    else:
        poisson = asked[0].config[asks.EXAMPLE_SAMPLING] == "poisson"
        places = places or [table.places(one) for one in asked]
        steps = plan_samples([_rows(one) for one in asked], training, rngs, poisson, places)
    augmentation = None
    if training.augment != "none":
        shape = asked[0].task.inputs.shape[1:]
        augmentation = plan_augmentation(steps, training.augment, shape, _named("augmentation", asked))
    lr = training.lr * training.lr_decay ** (asked[0].server_round - 1)
    parameters, losses = local_update(
        asked[0].task.model,
        starts,
        asked[0].task.inputs,
        targets,
        steps,
        training,
        lr=lr,
        guidance=guidance_of(asked, device),
        mixing=plan_mixing(steps, training.mixup, _named("mixup", asked)) if training.mixup else None,
        augmentation=augmentation,
        private=private,
        of=run_of,
        out=out,
    )
    return Trained(parameters, losses, steps.client, lr, predicted, features)


def not_finite(parameters: Parameters, losses: Tensor) -> dict[int, str]:
    """Models (K, …) that are not finite, each with the first parameter that is not, or the loss."""
    named = [*parameters.items(), ("the training loss", losses.unsqueeze(1))]
    # What is not finite makes its sum so, which is the faster to see; a sum may be so without.
    suspect = ~torch.stack([value.unsqueeze(1).flatten(1).sum(1) for _, value in named]).isfinite()
    bad: dict[int, str] = {}
    for number, k in suspect.nonzero().tolist():
        name, value = named[number]
        if k not in bad and not value[k].isfinite().all():
            bad[k] = name
    return bad


def _rows(one: Told) -> np.ndarray:
    """The rows that a client trains on."""
    return one.task.train.of(one.partition)


def _named(purpose: str, asked: Sequence[Told]) -> list[np.random.Generator]:
    """The generator of each client for a purpose in the round."""
    return [
        stream(purpose, seed=one.task.seed, client=one.partition, round=one.server_round) for one in asked
    ]


def _batches(asked: Sequence[Told], begin: np.ndarray | None, places: Sequence[np.ndarray] | None) -> Steps:
    """The batches of clients; one and the same client, in several runs of one seed, has the same."""
    number: dict[tuple[int, bytes, int], int] = {}
    same = np.array(
        [number.setdefault((one.task.seed, one.task.dealt, one.partition), len(number)) for one in asked]
    )
    first = np.unique(same, return_index=True)[1]
    some = [asked[k] for k in first]
    training, rngs = asked[0].task.training, _named("batch order", some)
    return plan_steps([_rows(one) for one in some], training, rngs, places, same=same, begin=begin)
