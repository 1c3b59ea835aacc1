"""What clients do because a strategy asks for it: look at the global model's predictions, and be guided."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from fedsoft.federation import asks
from fedsoft.federation.asked import Asked
from fedsoft.federation.records import to_parameters
from fedsoft.federation.reports import Seen
from fedsoft.training import Calibration, Guidance, Model, Parameters, Similarity


def guidance_of(asked: Sequence[Asked], device: torch.device) -> Guidance:
    """What the server asks of clients, stacked."""

    def stacked(name: str) -> Parameters | None:
        if name not in asked[0].message.content:
            return None
        records = [asks.attached(one.message, name) or {} for one in asked]
        return to_parameters({n: np.stack([record[n] for record in records]) for n in records[0]}, device)

    confusion, config = stacked(asks.CONFUSION), asked[0].config
    return Guidance(
        proximal_mu=float(config.get(asks.PROXIMAL, 0.0)),
        correction=stacked(asks.CORRECTION),
        confusion=confusion[asks.CONFUSION] if confusion else None,
        calibration=Calibration(
            gap=str(config[asks.CALIBRATION]),
            beta=float(config[asks.CALIBRATION_BETA]),
            similarity=cast(Similarity, str(config[asks.SIMILARITY])),
        )
        if asks.CALIBRATION in config
        else None,
    )


def looks(one: Asked) -> bool:
    """Whether a client must look at what the global model predicts of its examples."""
    return asks.ANCHOR in one.config or asks.REPORT in one.config


def reports_of(one: Asked) -> list[str]:
    """The names of what a client tells besides its model."""
    return str(one.config.get(asks.REPORT, "")).split()


Look = Callable[[Model, Parameters, Tensor], Tensor]
"""What a model makes of inputs (N, …), row by row."""


def look_at_own(
    look: Look, asked: Sequence[Asked], starts: Sequence[Parameters], place: Mapping[int, int]
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


def seen_by(one: Asked, probs: Tensor, features: Tensor | None) -> Seen:
    """What a client has in hand when it reports."""
    task, confusion = one.task, asks.attached(one.message, asks.CONFUSION)
    places = task.train.rows if task.places is None else task.places
    rows = torch.from_numpy(places[task.train.span(one.partition)]).to(task.targets.device)
    known = None if confusion is None else torch.from_numpy(confusion[asks.CONFUSION]).to(probs.device)
    return Seen(probs, task.targets.index_select(0, rows), known, features)


def anchored(
    asked: Sequence[Asked], predicted: Sequence[Tensor], targets: Tensor, given: list[np.ndarray] | None
) -> tuple[Tensor, list[np.ndarray]]:
    """A table of the clients' own targets, each mixed with the global model's prediction of its example.

    Returns:
        the table, and for each client rows (epochs, examples) of it.
    """
    rows = given or [one.task.delivered(one.partition, one.server_round) for one in asked]
    tables, places, first = [], [], 0
    for one, probs, own in zip(asked, predicted, rows, strict=True):
        share, flat = float(one.config[asks.ANCHOR]), torch.from_numpy(own.flatten()).to(targets.device)
        tables.append((1 - share) * targets.index_select(0, flat) + share * probs.repeat(len(own), 1))
        places.append(first + np.arange(own.size).reshape(own.shape))
        first += own.size
    return torch.cat(tables), places
