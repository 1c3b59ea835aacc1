"""Figures of models after a round, on validation examples: those of runs that advance together at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fedsoft.evaluation import METRICS, Predictions, Reference
from fedsoft.federation.results import RoundResult
from fedsoft.study.prepare import Prepared
from fedsoft.training import predict, predict_together

PER_ROUND = tuple(METRICS.parse(name) for name in ("accuracy", "nll", "brier", "signed_gap"))

Figures = dict[str, float]
"""Of one round: its number, training loss and cohort, and what the model scores, by name."""


@dataclass(frozen=True)
class Scoring:
    """What a run waits for after a round: its figures, against the labels that clients have."""

    prepared: Prepared
    result: RoundResult

    @cached_property
    def kind(self) -> tuple[object, ...]:
        """What models have in common whose predictions are one tensor program."""
        task = self.prepared.task
        return task.model, id(task.inputs), *self.prepared.validation[1].shape


def score_together(asked: Sequence[Scoring]) -> list[Figures]:
    """Figures of rounds, in order; without scores where a run has no validation examples."""
    figures: list[Figures] = [
        {
            "round": one.result.number,
            "train_loss": one.result.train_loss,
            "cohort": one.result.cohort,
            "dropped": one.result.dropped,
            "late": one.result.late,
            "failed": len(one.result.failures),
            "sent": one.result.sent,
        }
        for one in asked
    ]
    alike: dict[tuple[object, ...], list[int]] = {}
    for i, one in enumerate(asked):
        if len(one.prepared.deal.validation.rows):
            alike.setdefault(one.kind, []).append(i)
    for some in alike.values():
        probs = _predicted([asked[i] for i in some])
        labels = torch.stack([asked[i].prepared.validation[1] for i in some])
        for i, scored in zip(some, scores(probs, labels), strict=True):
            figures[i] |= scored
    return figures


def _predicted(asked: Sequence[Scoring]) -> Tensor:
    """Probabilities (R, V, C) of R models that are alike, on their validation examples.

    On a card all at once. On a processor one by one, which is as fast, and gives the same bits alone or
    beside others.
    """
    task, device = asked[0].prepared.task, asked[0].prepared.task.inputs.device
    models = [one.result.parameters(device) for one in asked]
    if device.type == "cpu":
        own = [one.prepared.validation_inputs for one in asked]
        return torch.stack([predict(task.model, *about) for about in zip(models, own, strict=True)])
    stacked = {name: torch.stack([one[name] for one in models]) for name in models[0]}
    rows = torch.stack([one.prepared.validation[0] for one in asked])
    return predict_together(task.model, stacked, task.inputs, rows)


def scores(probs: Tensor, labels: Tensor) -> list[Figures]:
    """What predictions (K, V, C) of K models score against one-hot labels (K, V, C)."""
    predictions, reference = Predictions(probs), Reference(labels)
    columns = torch.stack([metric(predictions, reference) for metric in PER_ROUND]).tolist()
    names = [type(metric).name for metric in PER_ROUND]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
