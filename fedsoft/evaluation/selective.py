"""Selective prediction: does the model know when to leave the answer to a person?"""

from typing import ClassVar

import torch
from torch import Tensor

from fedsoft.evaluation.bins import ranks
from fedsoft.evaluation.metric import METRICS, Better, Metric, top


@METRICS("aurc")
class AURC(Metric):
    """Area under the risk-coverage curve: the error among the k most confident, averaged over k, in [0, 1].

    Geifman, Uziel, El-Yaniv 2019, arXiv:1805.08206. Equal confidences count as in random order.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean of the running mean of errors."""
        confidence, hit = top(probs, reference)
        unsure, order = (-confidence).sort(dim=-1)
        ordered = (1 - hit).gather(-1, order.expand(hit.shape))
        total = torch.nn.functional.pad(ordered.cumsum(dim=-1), (1, 0))
        first = torch.searchsorted(unsure, unsure, right=False)
        after = torch.searchsorted(unsure, unsure, right=True)
        first, after = first.expand(hit.shape), after.expand(hit.shape)
        error = (total.gather(-1, after) - total.gather(-1, first)) / (after - first)
        taken = torch.arange(1, hit.shape[-1] + 1, device=hit.device)
        return (error.cumsum(dim=-1) / taken).mean(dim=-1)


@METRICS("auroc")
class AUROC(Metric):
    """Area under the ROC curve of confidence as a detector of right predictions, in [0, 1].

    The chance that a right prediction is more confident than a wrong one, ties counting half;
    NaN where all predictions are right, or all wrong.
    """

    better: ClassVar[Better] = "higher"
    against: ClassVar[tuple[str, ...]] = ("label", "mode")

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mann-Whitney statistic as a share of all pairs."""
        confidence, hit = top(probs, reference)
        right, wrong = hit.sum(dim=-1), (1 - hit).sum(dim=-1)
        above = (ranks(confidence) * hit).sum(dim=-1) - right * (right - 1) / 2
        return above / (right * wrong)
