"""Predictions and what they are compared with: what several metrics need of them is computed once."""

from functools import cached_property

import torch
from torch import Tensor

from fedsoft.evaluation.bins import Binning, bin_index, bin_of_rank, bin_sums, places
from fedsoft.evaluation.references import entropy

SMALLEST = 1e-12
"""Probabilities below this count as this much in logarithms, so that one sure error costs 27.6 nats."""


class Bins:
    """Scores (..., N) parted into bins.

    Attributes:
        index: (..., N) the bin of each score.
        count: (..., bins) how many scores each bin holds.
        score: (..., bins) their sums.
    """

    def __init__(self, score: Tensor, index: Tensor, bins: int) -> None:
        self.index, self.bins = index, bins
        self.count = bin_sums(index, score.new_ones(()), bins)
        self.score = bin_sums(index, score, bins)
        self.filled = self.count.clamp_min(1)

    def sums(self, values: Tensor) -> Tensor:
        """Sums of values (..., N) by bin, as (..., bins)."""
        return bin_sums(self.index, values, self.bins)


class Predictions:
    """Probabilities (..., N, C), in float64, with N > 0."""

    def __init__(self, probs: Tensor) -> None:
        self.dtype, self.shape, self.probs = probs.dtype, probs.shape, probs.double()
        self._bins: dict[tuple[str, int, Binning], Bins] = {}

    @property
    def size(self) -> int:
        """The number N of examples."""
        return self.probs.shape[-2]

    @cached_property
    def _top(self) -> tuple[Tensor, Tensor]:
        top = self.probs.max(dim=-1)
        return top.values, top.indices

    @property
    def confidence(self) -> Tensor:
        """The largest probability of each example, (..., N)."""
        return self._top[0]

    @property
    def predicted(self) -> Tensor:
        """Its class, (..., N); the first of tied ones."""
        return self._top[1]

    @cached_property
    def logs(self) -> Tensor:
        """Logarithms of the probabilities, (..., N, C)."""
        return self.probs.clamp_min(SMALLEST).log()

    @cached_property
    def entropy(self) -> Tensor:
        """In nats, (..., N)."""
        return entropy(self.probs)

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """How many of the N confidences are below each, and how many are no higher, (..., N) both."""
        return places(self.confidence)

    @property
    def ranks(self) -> Tensor:
        """Ranks of the confidences from 0 to N - 1, (..., N); ties share their mean rank."""
        below, upto = self.places
        return (below + upto - 1) / 2.0

    @cached_property
    def by_class(self) -> Tensor:
        """The probabilities class by class, (..., C, N)."""
        return self.probs.mT.contiguous()

    @cached_property
    def cumulative(self) -> Tensor:
        """The probability of each class or one before it, (..., C, N)."""
        return self.by_class.cumsum(dim=-2)

    def bins(self, bins: int, binning: Binning) -> Bins:
        """Examples by confidence: indices (..., N)."""
        key = "top", bins, binning
        if key not in self._bins:
            mass = binning == "mass"
            index = bin_of_rank(self.ranks, bins) if mass else bin_index(self.confidence, bins, binning)
            self._bins[key] = Bins(self.confidence, index, bins)
        return self._bins[key]

    def class_bins(self, bins: int, binning: Binning) -> Bins:
        """Examples by the probability of each class: indices (..., C, N)."""
        key = "class", bins, binning
        if key not in self._bins:
            self._bins[key] = Bins(self.by_class, bin_index(self.by_class, bins, binning), bins)
        return self._bins[key]


class Reference:
    """Rows on the simplex (N, C) or (..., N, C): one-hot labels or modes, or vote distributions."""

    def __init__(self, rows: Tensor) -> None:
        self.rows, self.shape = rows.double(), rows.shape

    def hit(self, predictions: Predictions) -> Tensor:
        """The reference at the predicted class, (..., N): 0 or 1, or the share of people who chose it."""
        rows = torch.broadcast_tensors(predictions.probs, self.rows)[1]
        return rows.gather(-1, predictions.predicted.expand(rows.shape[:-1]).unsqueeze(-1)).squeeze(-1)

    def class_sums(self, bins: Bins) -> Tensor:
        """Sums of each class by bin of its probability, (..., C, bins)."""
        return bins.sums(self.rows.mT)


class Drawn(Reference):
    """Sets of labels drawn from predictions (..., N, C) themselves, kept as classes and not as rows.

    Args:
        predictions: what they are drawn from and compared with.
        chance: (draws, ..., N) uniform numbers in [0, 1), one a label.
    """

    def __init__(self, predictions: Predictions, chance: Tensor) -> None:
        cumulative = predictions.cumulative
        threshold = chance * cumulative[..., -1, :]
        label = torch.zeros(threshold.shape, dtype=torch.uint8, device=threshold.device)
        label = label if cumulative.shape[-2] <= 256 else label.long()
        for before in range(cumulative.shape[-2] - 1):
            label += cumulative[..., before, :] <= threshold
        self.label, self.shape = label.long(), torch.Size((*label.shape, cumulative.shape[-2]))
        self._hit = (self.label == predictions.predicted).double()
        self._sums: dict[Bins, Tensor] = {}

    def hit(self, predictions: Predictions) -> Tensor:
        """1 where the predicted class was drawn, else 0."""
        return self._hit

    def class_sums(self, bins: Bins) -> Tensor:
        """How often each class was drawn by bin of its probability, (draws, ..., C, bins)."""
        if bins not in self._sums:
            C = self.shape[-1]
            index = bins.index.expand(*self.label.shape[:-1], C, -1)
            place = index.gather(-2, self.label.unsqueeze(-2)).squeeze(-2)
            sums = bin_sums(place + self.label * bins.bins, bins.score.new_ones(()), C * bins.bins)
            self._sums[bins] = sums.unflatten(-1, (C, bins.bins))
        return self._sums[bins]
