"""The server of FedDS: clients' models annotate its examples, and Dawid and Skene say whom to believe."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from flwr.app import Message
from torch import Tensor

from fedsoft.annotators.aggregation import dawid_skene
from fedsoft.datasets import Annotations
from fedsoft.federation import asks
from fedsoft.federation.records import to_parameters
from fedsoft.federation.servers.weighing import Weighing, examples_of
from fedsoft.federation.strategies.options import WHOLE_COHORT
from fedsoft.training import Model, Parameters

TOGETHER = 64
"""Models that predict as one tensor program."""


class FedDs(Weighing):
    """A mean weighted by reliability.

    Attributes:
        by_examples: weights are multiplied by examples.
        smoothing: pseudo-answers of `dawid_skene`.
        reliability: (clients,) of each client's model when it was last there; NaN before.
        reliabilities: (K,) of models that are given as parameters (K, …).
    """

    def __init__(
        self, model: Model, examples: Tensor, clients: int, classes: int, by_examples: bool, smoothing: float
    ) -> None:
        super().__init__(**WHOLE_COHORT)
        self.by_examples, self.smoothing = by_examples, smoothing
        self.reliability = np.full(clients, np.nan)
        self.reliabilities: Callable[[Parameters], np.ndarray] = partial(
            _reliabilities, model, examples, classes, smoothing
        )

    def quality_found(self) -> np.ndarray:
        """Reliabilities."""
        return self.reliability

    def weigh(self, replies: Sequence[Message]) -> np.ndarray:
        """Reliabilities of the models, times examples where that is wanted."""
        records = [reply.content["arrays"] for reply in replies]
        stacked = {name: np.stack([record[name].numpy() for record in records]) for name in records[0]}
        weights = self.reliabilities(to_parameters(stacked, torch.device("cpu")))
        self.reliability[asks.partitions(replies)] = weights
        return weights * examples_of(replies) if self.by_examples else weights


def _reliabilities(
    model: Model, examples: Tensor, classes: int, smoothing: float, parameters: Parameters
) -> np.ndarray:
    predicted = predicted_classes(model, {n: p.to(examples.device) for n, p in parameters.items()}, examples)
    return reliability(predicted.cpu().numpy(), classes, smoothing)


@torch.no_grad()
def predicted_classes(model: Model, parameters: Parameters, examples: Tensor) -> Tensor:
    """Parameters (K, …), inputs (U, …) -> the class (K, U) that each model predicts of each example."""
    models = len(next(iter(parameters.values())))
    stacks = zip(*(value.split(TOGETHER) for value in parameters.values()), strict=True)
    parts = []
    for first, stack in zip(range(0, models, TOGETHER), stacks, strict=True):
        x = examples.expand(min(TOGETHER, models - first), *examples.shape)
        parts.append(model.forward(dict(zip(parameters, stack, strict=True)), x).argmax(-1))
    return torch.cat(parts)


def reliability(predicted: np.ndarray, classes: int, smoothing: float) -> np.ndarray:
    """How reliable annotators are (K,), in [0, 1]: the mean of the diagonals of their confusion matrices.

    Args:
        predicted: (K, U) the class that each annotator gives each item.
        classes: their number.
        smoothing: of `dawid_skene`, whose posterior takes the place of true classes.
    """
    annotators, items = predicted.shape
    who, what = np.repeat(np.arange(annotators), items), np.tile(np.arange(items), annotators)
    label = predicted.ravel()
    posterior = dawid_skene(Annotations(what, who, label), items, classes, smoothing).posterior
    right = np.bincount(who * classes + label, posterior[what, label], annotators * classes)
    met = posterior.sum(axis=0)
    occur = met > 1e-6  # a class that no item is likely to have tells nothing
    rates: np.ndarray = right.reshape(annotators, classes)[:, occur] / met[occur]
    return rates.mean(axis=1)
