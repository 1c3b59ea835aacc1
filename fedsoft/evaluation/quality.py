"""Quality of predictions: accuracy, proper scores, and the decomposition of the Brier score."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.predictions import Predictions, Reference


def cross_entropy(probs: Predictions, reference: Reference) -> Tensor:
    """Mean over examples of -sum r log p in nats, p clamped at 1e-12: (..., N, C) to (...)."""
    return -(reference.rows * probs.logs).sum(dim=(-1, -2)) / probs.size


@METRICS("accuracy")
class Accuracy(Metric):
    """Share of examples whose predicted class is right; against votes, the chance that a person agrees."""

    better: ClassVar[Better] = "higher"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean hit."""
        return reference.hit(probs).mean(dim=-1)


@METRICS("nll")
class NLL(Metric):
    """Negative log-likelihood in nats; against votes, the cross-entropy to the people.

    Probabilities below 1e-12 count as 1e-12.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean of -sum r log p."""
        return cross_entropy(probs, reference)


@METRICS("brier")
class Brier(Metric):
    """Brier score summed over classes, in [0, 2], expected over a label drawn from the reference.

    Brier 1950. sum p² - 2 p·r + 1: a one-hot reference gives the usual score, a vote distribution
    the mean score over its votes, which stays above 0 where people disagree.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean expected score."""
        return (probs.probs * (probs.probs - 2 * reference.rows)).sum(dim=(-1, -2)) / probs.size + 1


def brier_decomposition(probs: Predictions, reference: Reference, bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Reliability, resolution and uncertainty of the Brier score, each (...).

    Murphy 1973, classwise: every class's probability is cut into bins of equal width, and the terms are
    summed over classes. Reliability - resolution + uncertainty is the Brier score where the
    probabilities in a bin are equal, and near it otherwise.
    """
    parted = probs.class_bins(bins, "width")
    sums, share = reference.class_sums(parted), parted.count / probs.size
    forecast, observed = parted.score / parted.filled, sums / parted.filled
    base = sums.sum(dim=-1, keepdim=True) / probs.size
    reliability = (share * (forecast - observed).square()).sum(dim=(-1, -2))
    resolution = (share * (observed - base).square()).sum(dim=(-1, -2))
    return reliability, resolution, (base * (1 - base)).sum(dim=(-1, -2))


@METRICS("brier_reliability")
class BrierReliability(Metric):
    """Miscalibration part of the Brier score: squared distance of forecasts from outcomes, in [0, 2].

    Murphy 1973, classwise in bins of equal width.
    """

    better: ClassVar[Better] = "lower"
    floor: ClassVar[bool] = True
    bins: int = Field(15, ge=1, description="number of bins for each class")

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """First term of the decomposition."""
        return brier_decomposition(probs, reference, self.bins)[0]


@METRICS("brier_resolution")
class BrierResolution(Metric):
    """Discrimination part of the Brier score: how far outcomes in bins are from the base rates, in [0, 1].

    Murphy 1973, classwise in bins of equal width.
    """

    better: ClassVar[Better] = "higher"
    bins: int = Field(15, ge=1, description="number of bins for each class")

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Second term of the decomposition."""
        return brier_decomposition(probs, reference, self.bins)[1]


@METRICS("brier_uncertainty")
class BrierUncertainty(Metric):
    """Brier score of always forecasting the base rates, in [0, 1]: a property of the data, not of the model.

    Murphy 1973.
    """

    better: ClassVar[Better] = "neither"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Third term of the decomposition."""
        base = reference.rows.mean(dim=-2)
        uncertainty = (base * (1 - base)).sum(dim=-1)
        return torch.broadcast_tensors(uncertainty, probs.probs[..., 0, 0])[0]


@METRICS("confidence")
class Confidence(Metric):
    """Mean confidence: the probability of the predicted class, in [1/C, 1]."""

    better: ClassVar[Better] = "neither"
    against: ClassVar[tuple[str, ...]] = ()

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean of the largest probability."""
        return probs.confidence.mean(dim=-1)
