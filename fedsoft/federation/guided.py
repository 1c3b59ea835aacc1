"""What clients do because a strategy asks for it: look at the global model's predictions, and be guided."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from fedsoft.federation import asks
from fedsoft.federation.asked import Told
from fedsoft.federation.records import to_parameters
from fedsoft.federation.reports import Seen
from fedsoft.training import Calibration, Guidance, Model, Parameters, Similarity


def guidance_of(asked: Sequence[Told], device: torch.device) -> Guidance:
    """What the server asks of clients, stacked."""
    first, config = asked[0], asked[0].config
    correction, confusion = None, None
    if asks.CORRECTION in first.content:
        records = [asks.attached(one.content, asks.CORRECTION) or {} for one in asked]
        correction = to_parameters({n: np.stack([one[n] for one in records]) for n in records[0]}, device)
    if config.get(asks.SLIPS) == "forward":
        slip = torch.tensor([float(one.config[asks.SLIP]) for one in asked], device=device)[:, None, None]
        classes = first.task.targets.shape[1]
        same = torch.eye(classes, device=device)
        confusion = (1 - slip) * same + slip * (1 - same) / (classes - 1)
    return Guidance(
        proximal_mu=float(config.get(asks.PROXIMAL, 0.0)),
        correction=correction,
        confusion=confusion,
        calibration=Calibration(
            gap=str(config[asks.CALIBRATION]),
            beta=float(config[asks.CALIBRATION_BETA]),
            similarity=cast(Similarity, str(config[asks.SIMILARITY])),
        )
        if asks.CALIBRATION in config
        else None,
    )


def looks(one: Told) -> bool:
    """Whether a client must look at what the global model predicts of its examples."""
    return asks.REPORT in one.config or replaces(one)


def replaces(one: Told) -> bool:
    """Whether a client trains on more than its own targets: on the global model's predictions too."""
    return asks.ANCHOR in one.config or one.config.get(asks.SLIPS) == "posterior"


def reports_of(one: Told) -> list[str]:
    """The names of what a client tells besides its model."""
    return str(one.config.get(asks.REPORT, "")).split()


SMALLEST = 1e-12
"""Predictions below it count as it."""

Look = Callable[[Model, Parameters, Tensor], Tensor]
"""What a model makes of inputs (N, …), row by row."""


def look_at_own(
    look: Look, asked: Sequence[Told], starts: Sequence[Parameters], place: Mapping[int, int]
) -> list[Tensor]:
    """What the received model makes of each client's training examples (n, …), run by run."""
    found: dict[int, Tensor] = {}
    for run, number in place.items():
        mine = [k for k, one in enumerate(asked) if id(one.task) == run]
        rows = [torch.from_numpy(asked[k].task.train.of(asked[k].partition)) for k in mine]
        task = asked[mine[0]].task
        inputs = task.inputs.index_select(0, torch.cat(rows).to(task.inputs.device))
        parts = look(task.model, starts[number], inputs).split([len(some) for some in rows])
        found |= dict(zip(mine, parts, strict=True))
    return [found[k] for k in range(len(asked))]


def seen_by(one: Told, probs: Tensor, features: Tensor | None) -> Seen:
    """What a client has in hand when it reports."""
    task = one.task
    places = task.train.rows if task.places is None else task.places
    rows = torch.from_numpy(places[task.train.span(one.partition)]).to(task.targets.device)
    return Seen(probs, task.targets.index_select(0, rows), features)


def replaced(
    asked: Sequence[Told], predicted: Sequence[Tensor], targets: Tensor, given: list[np.ndarray] | None
) -> tuple[Tensor, list[np.ndarray]]:
    """A table of what clients train on in place of their own targets.

    Args:
        asked: the clients.
        predicted: the global model's predictions (n, C) of each client's examples.
        targets: (T, C) table of their own targets.
        given: for each client rows (epochs, n) of it; None where these are its examples' own.

    Returns:
        the table, and for each client rows (epochs, n) of it.
    """
    rows = given or [one.task.delivered(one.partition, one.server_round) for one in asked]
    tables, places, first = [], [], 0
    for one, probs, own in zip(asked, predicted, rows, strict=True):
        mine = targets.index_select(0, torch.from_numpy(own.flatten()).to(targets.device))
        forecast = probs.repeat(len(own), 1)
        if asks.ANCHOR in one.config:
            share = float(one.config[asks.ANCHOR])
            tables.append((1 - share) * mine + share * forecast)
        else:
            tables.append(true_classes(forecast, mine, float(one.config[asks.SLIP])))
        places.append(first + np.arange(own.size).reshape(own.shape))
        first += own.size
    return torch.cat(tables), places


def true_classes(probs: Tensor, targets: Tensor, slip: float) -> Tensor:
    """The posterior (n, C) of each example's true class.

    The prediction is the prior, and a label slips to any other class alike: the expectation step of Dawid and
    Skene 1979 (doi:10.2307/2346806) with one coin, and a model for a prior as in Raykar et al. 2010 (JMLR
    11:1297). A soft target counts as one vote, parted.

    Args:
        probs: (n, C) predictions.
        targets: (n, C) labels.
        slip: the rate, in [0, 1); at 0 labels are taken as they are.
    """
    if slip == 0:
        return targets
    odds = max(0.0, math.log((1 - slip) * (probs.shape[1] - 1) / slip))
    prior = probs.double().clamp_min(SMALLEST).log()
    return (prior + targets.double() * odds).softmax(-1).to(targets)
