"""Selective prediction: does the model know when to leave the answer to a person?"""

from typing import ClassVar

import torch
from torch import Tensor

from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.predictions import Predictions, Reference


@METRICS("aurc")
class AURC(Metric):
    """Area under the risk-coverage curve: the error among the k most confident, averaged over k, in [0, 1].

    Geifman, Uziel, El-Yaniv 2019, arXiv:1805.08206. Equal confidences count as in random order.
    """

    better: ClassVar[Better] = "lower"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean of errors, each weighted by the sum of 1 / k over all k that take it in."""
        below, upto = probs.places
        taken = torch.arange(probs.size, 0, -1, dtype=torch.float64, device=below.device)
        # By ascending confidence: the share of the least sure is 1 / N, that of the surest 1 + … + 1 / N.
        total = torch.nn.functional.pad((1 / taken).cumsum(dim=0).cumsum(dim=0), (1, 0))
        weight = (total[upto] - total[below]) / (upto - below)
        return ((1 - reference.hit(probs)) * weight).mean(dim=-1)


@METRICS("auroc")
class AUROC(Metric):
    """Area under the ROC curve of confidence as a detector of right predictions, in [0, 1].

    The chance that a right prediction is more confident than a wrong one, ties counting half;
    NaN where all predictions are right, or all wrong.
    """

    better: ClassVar[Better] = "higher"
    against: ClassVar[tuple[str, ...]] = ("label", "mode")

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mann-Whitney statistic as a share of all pairs."""
        hit = reference.hit(probs)
        right, wrong = hit.sum(dim=-1), (1 - hit).sum(dim=-1)
        above = (probs.ranks * hit).sum(dim=-1) - right * (right - 1) / 2
        return above / (right * wrong)
