"""Post-hoc calibration: a map of predictions, fitted on examples that neither train nor are scored.

A map fitted to ten examples alone does more harm than none. So each is also fitted to pseudo-examples, for
which the predictions themselves are true: without evidence it is the identity, with much the plain fit.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from fedsoft.evaluation.exchanges import AddUp
from fedsoft.evaluation.histogram import apply_tables, cell_sums, fit_table, solve_tables
from fedsoft.evaluation.predictions import SMALLEST
from fedsoft.evaluation.private_temperature import draw_temperature
from fedsoft.evaluation.temperature import (
    PSEUDO,
    apply_temperature,
    fit_temperature,
    solve_temperature,
    temperature_sums,
)
from fedsoft.evaluation.vector_scaling import apply_vector, fit_vector, solve_vector, vector_sums
from fedsoft.registry import Options, Registry

PSEUDO_MEANS = "pseudo-examples at the prediction itself: few examples ruin nothing; 0 for the plain fit"

Calibration = Callable[[Tensor], Tensor]
"""Predictions (N, C) to calibrated ones (N, C) of the same dtype."""


class Calibrator(Options):
    """A way to calibrate a model after training."""

    on: Literal["label", "vote"] = Field(
        "label", description="fitted to labels, or to one vote bought for each validation example"
    )
    scope: Literal["all", "federated", "client"] = Field(
        "all",
        description="one map for all clients, fitted to their validation examples in one place, or "
        "`federated`: by sums over each client's own; or one map for each client, fitted to its own",
    )
    pseudo: float = Field(PSEUDO, ge=0, description=PSEUDO_MEANS)

    @property
    def spends(self) -> float | None:
        """Privacy loss ε of each label or vote that it is fitted to; None where these are in the clear."""
        return None

    @abstractmethod
    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """Fit the map.

        Args:
            probs: (V, C) predictions on validation examples, V > 0.
            reference: (V, C) rows on the simplex: labels, votes, or distributions.
        """

    @model_validator(mode="after")
    def _summed(self) -> Self:
        if self.scope == "federated" and not isinstance(self, BySums):
            raise ValueError(
                'scope = "federated" fits by sums over each client\'s examples, from which this map does not '
                "follow; choose temperature, vector_scaling or histogram_binning, or another scope"
            )
        return self


class BySums(Calibrator):
    """A calibrator that can also be fitted across clients by sums alone, and is a few numbers."""

    @abstractmethod
    def sums(self, probs: Tensor, reference: Tensor, parameters: Tensor) -> Tensor:
        """What a client tells of its own examples: sums over them, as many however many there are.

        Args:
            probs: (n, C) a client's predictions on its validation examples; n may be 0.
            reference: (n, C) rows on the simplex.
            parameters: where to evaluate, as `solve` asks.
        """

    @abstractmethod
    def solve(self, classes: int, add_up: AddUp) -> Tensor:
        """The map's numbers, from what `sums` of all clients add up to.

        Args:
            classes: C.
            add_up: one exchange with all clients, of whom some have examples.
        """

    @abstractmethod
    def apply(self, probs: Tensor, numbers: Tensor) -> Tensor:
        """The map of these numbers: predictions (N, C) to calibrated ones (N, C) of the same dtype."""


CALIBRATORS = Registry("calibrator", Calibrator)  # type: ignore[type-abstract]


@CALIBRATORS("temperature")
class Temperature(BySums):
    """One temperature for all predictions: softens or sharpens, and leaves their order (Guo et al. 2017).

    With an ε it is drawn from a fixed list, the likelier the less its Brier score on validation examples, so
    that little of any one label is given away: `draw_temperature`. Clipping and noise in private training
    miscalibrate, which such a temperature mends (Zhang et al. 2022, arXiv:2210.08248).
    """

    epsilon: float | None = Field(
        None,
        ge=1e-6,
        description="privacy loss of each label or vote that it is fitted to; none is no privacy",
    )

    @property
    def spends(self) -> float | None:
        """Its ε."""
        return self.epsilon

    def dump(self) -> dict[str, Any]:
        """Without an ε that is not there, so that runs in the clear keep their keys."""
        return {key: value for key, value in super().dump().items() if (key, value) != ("epsilon", None)}

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if self.epsilon is not None and self.scope != "all":
            raise ValueError(
                f'epsilon is spent on one temperature for all clients, and scope = "{self.scope}" asks for '
                "another way; leave scope out"
            )
        return self

    def draw(self, probs: Tensor, reference: Tensor, rng: np.random.Generator) -> Calibration:
        """A temperature drawn by the Brier score over examples and pseudo-examples."""
        assert self.epsilon is not None, "without an ε it is fitted in the clear"
        temperature = draw_temperature(probs, reference, self.pseudo, self.epsilon, rng)
        return lambda p: apply_temperature(p, temperature)

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """The temperature of least negative log-likelihood, over examples and pseudo-examples."""
        temperature = fit_temperature(probs, reference, self.pseudo)
        return lambda p: apply_temperature(p, temperature)

    def sums(self, probs: Tensor, reference: Tensor, parameters: Tensor) -> Tensor:
        """Examples, slope and curvature of their negative log-likelihood."""
        return temperature_sums(probs, reference, parameters)

    def solve(self, classes: int, add_up: AddUp) -> Tensor:
        """The temperature, by Newton's steps: an exchange each."""
        return solve_temperature(add_up, self.pseudo)

    def apply(self, probs: Tensor, numbers: Tensor) -> Tensor:
        """Soften by the temperature (1,)."""
        return apply_temperature(probs, numbers[0])


@CALIBRATORS("vector_scaling")
class VectorScaling(BySums):
    """A weight and a bias for each class's log-probability (Guo et al. 2017, arXiv:1706.04599).

    Minimises the negative log-likelihood of softmax(w log p + b), summed over examples and pseudo-examples,
    plus ``l2`` times the squared distance from the identity (w = 1, b = 0): a normal prior of standard
    deviation 1 / sqrt(2 l2), by default 0.5, whatever the number of examples. Pseudo-examples alone would
    leave weights free of classes that hardly any example is predicted to be.
    """

    l2: float = Field(2.0, ge=0, description="weight in nats of the squared distance from the identity")

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """The minimum by L-BFGS; without ``pseudo`` and ``l2`` there may be none, and it stops on its way."""
        scale = fit_vector(probs, reference, self.pseudo, self.l2)
        return lambda p: apply_vector(p, scale)

    def sums(self, probs: Tensor, reference: Tensor, parameters: Tensor) -> Tensor:
        """Examples, and their negative log-likelihood with gradient and Hessian."""
        return vector_sums(probs, reference, parameters)

    def solve(self, classes: int, add_up: AddUp) -> Tensor:
        """The same minimum by Newton's steps: an exchange each, or more where a step has to be shortened."""
        return solve_vector(add_up, classes, self.pseudo, self.l2)

    def apply(self, probs: Tensor, numbers: Tensor) -> Tensor:
        """Scale by weights and biases (2, C)."""
        return apply_vector(probs, numbers)


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
class HistogramBinning(BySums):
    """The share of a class in bins of equal mass of its probability, renormalised (Zadrozny, Elkan 2001).

    Each bin counts ``pseudo`` examples more than it holds, in which the prediction at hand is true: so no
    class has probability zero, and bins with few examples leave predictions much as they are. Federated,
    bins are cut between 64 fixed cells of probability instead of between predictions.
    """

    bins: int = Field(10, ge=1, description="bins a class; equal predictions are never parted")

    def fit(self, probs: Tensor, reference: Tensor) -> Calibration:
        """Edges and counts, class by class."""
        columns = zip(_columns(probs), _columns(reference), strict=True)
        tables = torch.from_numpy(np.stack([fit_table(p, r, self.bins) for p, r in columns]))
        return lambda p: self.apply(p, tables)

    def sums(self, probs: Tensor, reference: Tensor, parameters: Tensor) -> Tensor:
        """Examples in fixed cells of probability, and those of the class."""
        return cell_sums(probs, reference)

    def solve(self, classes: int, add_up: AddUp) -> Tensor:
        """Bins made of cells, in one exchange."""
        return torch.from_numpy(solve_tables(add_up, self.bins))

    def apply(self, probs: Tensor, numbers: Tensor) -> Tensor:
        """Look up bins (C, 3, B)."""
        return _normalised(apply_tables(_columns(probs), numbers.numpy(), self.pseudo), probs)


def _columns(rows: Tensor) -> np.ndarray:
    """(N, C) -> (C, N) float64, class by class."""
    columns: np.ndarray = rows.double().T.cpu().numpy()
    return columns


def _normalised(values: np.ndarray, like: Tensor) -> Tensor:
    """(N, C) values as rows that sum to 1, none of them zero, with device and dtype of the predictions."""
    values = np.maximum(values, SMALLEST)
    return torch.from_numpy(values / values.sum(axis=1, keepdims=True)).to(like)
