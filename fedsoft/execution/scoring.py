"""Figures of models after a round, on validation examples: those of runs that advance together at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fedsoft.evaluation import METRICS, Predictions, Reference
from fedsoft.federation.results import RoundResult
from fedsoft.study.prepare import Prepared
from fedsoft.training import predict

PER_ROUND = tuple(METRICS.parse(name) for name in ("accuracy", "nll", "brier", "signed_gap"))

Figures = dict[str, float]
"""Of one round: its number, training loss and cohort, and what the model scores, by name."""


@dataclass(frozen=True)
class Scoring:
    """What a run waits for after a round: its figures, against the labels that clients have."""

    prepared: Prepared
    result: RoundResult

    def predictions(self) -> Tensor:
        """Probabilities (V, C) on the validation examples."""
        task = self.prepared.task
        parameters = self.result.parameters(task.inputs.device)
        return predict(task.model, parameters, self.prepared.validation[0])


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
    alike: dict[torch.Size, list[int]] = {}
    for i, one in enumerate(asked):
        if len(one.prepared.deal.validation.rows):
            alike.setdefault(one.prepared.validation[1].shape, []).append(i)
    for some in alike.values():
        probs = torch.stack([asked[i].predictions() for i in some])
        labels = torch.stack([asked[i].prepared.validation[1] for i in some])
        for i, scored in zip(some, scores(probs, labels), strict=True):
            figures[i] |= scored
    return figures


def scores(probs: Tensor, labels: Tensor) -> list[Figures]:
    """What predictions (K, V, C) of K models score against one-hot labels (K, V, C)."""
    predictions, reference = Predictions(probs), Reference(labels)
    columns = [metric(predictions, reference).tolist() for metric in PER_ROUND]
    names = [type(metric).name for metric in PER_ROUND]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
