"""Post-hoc calibration: a map of predictions, fitted on examples that neither train nor are scored.

A map fitted to ten examples alone does more harm than none. So each is also fitted to pseudo-examples, for
which the predictions themselves are true: without evidence it is the identity, with much the plain fit.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fedsoft.evaluation.bins import bin_index
from fedsoft.evaluation.predictions import SMALLEST
from fedsoft.evaluation.temperature import PSEUDO, apply_temperature, fit_temperature, with_pseudo
from fedsoft.registry import Options, Registry

PSEUDO_MEANS = "pseudo-examples at the prediction itself: few examples ruin nothing; 0 for the plain fit"

Calibration = Callable[[Tensor], Tensor]
"""Predictions (N, C) to calibrated ones (N, C) of the same dtype."""


class Calibrator(Options):
    """A way to calibrate a model after training."""

    on: Literal["label", "vote"] = Field(
        "label", description="fitted to labels, or to one vote bought for each validation example"
    )
    scope: Literal["all", "client"] = Field(
        "all", description="one map for all clients, or one for each, fitted to its own validation examples"
    )
    pseudo: float = Field(PSEUDO, ge=0, description=PSEUDO_MEANS)

    @abstractmethod
    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """Fit the map.

        Args:
            probs: (V, C) predictions on validation examples, V > 0.
            reference: (V, C) rows on the simplex: labels, votes, or distributions.
        """


CALIBRATORS = Registry("calibrator", Calibrator)  # type: ignore[type-abstract]


@CALIBRATORS("temperature")
class Temperature(Calibrator):
    """One temperature for all predictions: softens or sharpens, and leaves their order (Guo et al. 2017)."""

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """The temperature of least negative log-likelihood, over examples and pseudo-examples."""
        temperature = fit_temperature(probs, reference, self.pseudo)
        return lambda p: apply_temperature(p, temperature)


@CALIBRATORS("vector_scaling")
class VectorScaling(Calibrator):
    """A weight and a bias for each class's log-probability (Guo et al. 2017, arXiv:1706.04599).

    Minimises the negative log-likelihood of softmax(w log p + b), summed over examples and pseudo-examples,
    plus ``l2`` times the squared distance from the identity (w = 1, b = 0): a normal prior of standard
    deviation 1 / sqrt(2 l2), by default 0.5, whatever the number of examples. Pseudo-examples alone would
    leave weights free of classes that hardly any example is predicted to be.
    """

    l2: float = Field(2.0, ge=0, description="weight in nats of the squared distance from the identity")

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """The minimum by L-BFGS; without ``pseudo`` and ``l2`` there may be none, and it stops on its way."""
        logits, examples = _log(probs), len(probs)
        target = with_pseudo(reference.double(), logits.softmax(dim=-1), examples, self.pseudo)
        l2 = self.l2 / (examples + self.pseudo)
        weight = torch.ones_like(logits[0], requires_grad=True)
        bias = torch.zeros_like(weight, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [weight, bias], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def loss() -> Tensor:
            optimizer.zero_grad()
            nll = -(target * (weight * logits + bias).log_softmax(dim=-1)).sum(dim=-1).mean()
            total: Tensor = nll + l2 * ((weight - 1).square().sum() + bias.square().sum())
            total.backward()
            return total

        with torch.enable_grad():
            optimizer.step(loss)
        w, b = weight.detach(), bias.detach()
        return lambda p: (w * _log(p) + b).softmax(dim=-1).to(p.dtype)


@CALIBRATORS("isotonic")
class Isotonic(Calibrator):
    """A rising step function for each class against the rest, renormalised (Zadrozny, Elkan 2002).

    Between the values seen in fitting it is interpolated, beyond them constant. V examples' steps and the
    prediction itself are averaged as V to ``pseudo``; it is about as free as ten bins, and so has theirs.
    """

    pseudo: float = Field(10 * PSEUDO, ge=0, description=PSEUDO_MEANS)
    smallest: float = Field(
        0.001, gt=0, lt=0.1, description="lower probabilities are raised to it, or one miss costs infinity"
    )

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """Least squares, class by class; a share of votes counts as what it is."""
        from sklearn.isotonic import IsotonicRegression

        rising = [
            IsotonicRegression(out_of_bounds="clip").fit(p, r)
            for p, r in zip(_columns(probs), _columns(reference), strict=True)
        ]
        examples = len(probs)

        def calibrate(p: Tensor) -> Tensor:
            columns = _columns(p)
            steps = np.stack([step.predict(column) for step, column in zip(rising, columns, strict=True)])
            blended = (examples * steps + self.pseudo * columns) / (examples + self.pseudo)
            return _normalised(np.maximum(blended.T, self.smallest), p)

        return calibrate


@CALIBRATORS("histogram_binning")
class HistogramBinning(Calibrator):
    """The share of a class in bins of equal mass of its probability, renormalised (Zadrozny, Elkan 2001).

    Each bin counts ``pseudo`` examples more than it holds, in which the prediction at hand is true: so no
    class has probability zero, and bins with few examples leave predictions much as they are.
    """

    bins: int = Field(10, ge=1, description="bins a class; equal predictions are never parted")

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """Edges and counts, class by class."""
        tables = [self._table(p, r) for p, r in zip(_columns(probs), _columns(reference), strict=True)]

        def calibrate(p: Tensor) -> Tensor:
            values = []
            for (edges, count, hits), column in zip(tables, _columns(p), strict=True):
                index = np.searchsorted(edges, column, side="right")
                values.append((hits[index] + self.pseudo * column) / (count[index] + self.pseudo))
            return _normalised(np.stack(values, axis=1), p)

        return calibrate

    def _table(self, p: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the bins that hold any: lower edges of all but the first, examples, and those of the class."""
        _, index = np.unique(bin_index(torch.from_numpy(p), self.bins, "mass"), return_inverse=True)
        count, hits = np.bincount(index), np.bincount(index, reference)
        edges = np.array([p[index == n].min() for n in range(1, len(count))])
        return edges, count, hits


def _log(probs: Tensor) -> Tensor:
    return probs.double().clamp_min(SMALLEST).log()


def _columns(rows: Tensor) -> np.ndarray:
    """(N, C) -> (C, N) float64, class by class."""
    columns: np.ndarray = rows.double().T.cpu().numpy()
    return columns


def _normalised(values: np.ndarray, like: Tensor) -> Tensor:
    """(N, C) values as rows that sum to 1, none of them zero, with device and dtype of the predictions."""
    values = np.maximum(values, SMALLEST)
    return torch.from_numpy(values / values.sum(axis=1, keepdims=True)).to(like)
