"""Quality of predictions: accuracy, proper scores, and the decomposition of the Brier score."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.evaluation.bins import bin_index, bin_sums
from fedsoft.evaluation.metric import METRICS, Better, Metric, top

SMALLEST = 1e-12
"""Probabilities below this count as this much in logarithms, so that one sure error costs 27.6 nats."""


def cross_entropy(probs: Tensor, reference: Tensor) -> Tensor:
    """Mean over examples of -sum r log p in nats, p clamped at 1e-12: (..., N, C) to (...)."""
    return -(reference * probs.clamp_min(SMALLEST).log()).sum(dim=-1).mean(dim=-1)


@METRICS("accuracy")
class Accuracy(Metric):
    """Share of examples whose predicted class is right; against votes, the chance that a person agrees."""

    better: ClassVar[Better] = "higher"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean hit."""
        return top(probs, reference)[1].mean(dim=-1)


@METRICS("nll")
class NLL(Metric):
    """Negative log-likelihood in nats; against votes, the cross-entropy to the people.

    Probabilities below 1e-12 count as 1e-12.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean of -sum r log p."""
        return cross_entropy(probs, reference)


@METRICS("brier")
class Brier(Metric):
    """Brier score summed over classes, in [0, 2], expected over a label drawn from the reference.

    Brier 1950. sum p² - 2 p·r + 1: a one-hot reference gives the usual score, a vote distribution
    the mean score over its votes, which stays above 0 where people disagree.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean expected score."""
        return (probs.square() - 2 * probs * reference).sum(dim=-1).mean(dim=-1) + 1


def brier_decomposition(probs: Tensor, reference: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Reliability, resolution and uncertainty of the Brier score, each (...).

    Murphy 1973, classwise: every class's probability is cut into bins of equal width, and the terms are
    summed over classes. Reliability - resolution + uncertainty is the Brier score where the
    probabilities in a bin are equal, and near it otherwise.
    """
    score, outcome = probs.transpose(-1, -2), reference.transpose(-1, -2)
    index = bin_index(score, bins, "width")
    count = bin_sums(index, torch.ones_like(score), bins)
    filled, share = count.clamp_min(1), count / score.shape[-1]
    forecast, observed = bin_sums(index, score, bins) / filled, bin_sums(index, outcome, bins) / filled
    base = outcome.mean(dim=-1, keepdim=True)
    reliability = (share * (forecast - observed).square()).sum(dim=(-1, -2))
    resolution = (share * (observed - base).square()).sum(dim=(-1, -2))
    return reliability, resolution, (base * (1 - base)).sum(dim=(-1, -2)).expand(reliability.shape)


@METRICS("brier_reliability")
class BrierReliability(Metric):
    """Miscalibration part of the Brier score: squared distance of forecasts from outcomes, in [0, 2].

    Murphy 1973, classwise in bins of equal width.
    """

    better: ClassVar[Better] = "lower"
    floor: ClassVar[bool] = True
    bins: int = Field(15, ge=1, description="number of bins for each class")

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """First term of the decomposition."""
        return brier_decomposition(probs, reference, self.bins)[0]


@METRICS("brier_resolution")
class BrierResolution(Metric):
    """Discrimination part of the Brier score: how far outcomes in bins are from the base rates, in [0, 1].

    Murphy 1973, classwise in bins of equal width.
    """

    better: ClassVar[Better] = "higher"
    bins: int = Field(15, ge=1, description="number of bins for each class")

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Second term of the decomposition."""
        return brier_decomposition(probs, reference, self.bins)[1]


@METRICS("brier_uncertainty")
class BrierUncertainty(Metric):
    """Brier score of always forecasting the base rates, in [0, 1]: a property of the data, not of the model.

    Murphy 1973.
    """

    better: ClassVar[Better] = "neither"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Third term of the decomposition."""
        base = reference.mean(dim=-2)
        shape = torch.broadcast_shapes(probs.shape, reference.shape)[:-2]
        return (base * (1 - base)).sum(dim=-1).expand(shape)


@METRICS("confidence")
class Confidence(Metric):
    """Mean confidence: the probability of the predicted class, in [1/C, 1]."""

    better: ClassVar[Better] = "neither"
    against: ClassVar[tuple[str, ...]] = ()

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean of the largest probability."""
        return probs.amax(dim=-1).mean(dim=-1)
