"""The base of metrics: predictions and a reference in, one number for each model out."""

import math
from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedsoft.errors import DataError
from fedsoft.evaluation.predictions import Predictions, Reference
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

    def __call__(self, probs: Tensor | Predictions, reference: Tensor | Reference) -> Tensor:
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
        predictions = probs if isinstance(probs, Predictions) else Predictions(probs)
        if predictions.size == 0:
            shape = torch.broadcast_shapes(probs.shape, reference.shape)[:-2]
            return predictions.probs.new_full(shape, math.nan, dtype=probs.dtype)
        known = reference if isinstance(reference, Reference) else Reference(reference)
        return self.compute(predictions, known).to(probs.dtype)

    @abstractmethod
    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """The metric as (...), where leading dimensions of both broadcast.

        What depends on predictions alone is theirs, so that it is computed once for all metrics and
        references. A metric that has a floor knows a reference by `hit` and `class_sums` only, which redrawn
        labels have without rows.
        """


METRICS = Registry("metric", Metric)  # type: ignore[type-abstract]
