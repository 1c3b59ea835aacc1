"""The base of metrics: predictions and a reference in, one number for each model out."""

import math
from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedsoft.errors import DataError
from fedsoft.registry import Options, Registry

Better = Literal["lower", "higher", "zero", "neither"]


class Metric(Options):
    """A number that compares predictions with a reference: the label, the human mode, or a vote.

    Class attributes:
        better: which values are better; ``neither`` where the number only describes.
        against: the references with which the metric makes sense; empty where it needs none.
        floor: a calibrated model scores above zero on few examples, so the value is read beside
            its floor (see ``floors``).
    """

    better: ClassVar[Better]
    against: ClassVar[tuple[str, ...]] = ("label", "mode", "vote")
    floor: ClassVar[bool] = False

    def __call__(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Compute the metric, in float64 inside.

        Args:
            probs: (..., N, C) predictions, rows on the simplex; leading dimensions (runs, rounds) are
                batched.
            reference: (N, C) or (..., N, C) rows on the simplex: one-hot labels, one-hot human modes, or
                vote distributions. A metric whose ``against`` is empty ignores it.

        Returns:
            (...) values on the device and with the dtype of ``probs``; NaN where N is 0.

        Raises:
            DataError: the reference is not one row of C numbers for each example.
        """
        if reference.shape[-2:] != probs.shape[-2:]:
            raise DataError(
                f"metric {type(self).name!r} got a reference of shape {tuple(reference.shape)} for "
                f"predictions of shape {tuple(probs.shape)}; give one row of class probabilities an example."
            )
        if probs.shape[-2] == 0:
            shape = torch.broadcast_shapes(probs.shape, reference.shape)[:-2]
            return probs.new_full(shape, math.nan)
        return self.compute(probs.double(), reference.double()).to(probs.dtype)

    @abstractmethod
    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """The metric of float64 tensors (..., N, C) that broadcast, with N > 0, as (...).

        What depends on predictions alone is so computed once for all references, such as redrawn labels.
        """


METRICS = Registry("metric", Metric)  # type: ignore[type-abstract]


def top(probs: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Confidence and hit of the predicted class, (..., N) of the predictions and of both together.

    The hit is the reference at the predicted class: 0 or 1 for labels, and the share of people who
    chose that class for votes. The first of tied classes is predicted.
    """
    confidence, predicted = probs.max(dim=-1, keepdim=True)
    reference = torch.broadcast_tensors(probs, reference)[1]
    hit = reference.gather(-1, predicted.expand(*reference.shape[:-1], 1))
    return confidence.squeeze(-1), hit.squeeze(-1)
