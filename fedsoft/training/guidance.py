"""What a server asks of local updates besides their own loss."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fedsoft.training.calibration import Calibration
from fedsoft.training.losses import Objective
from fedsoft.training.model import Parameters


@dataclass(frozen=True)
class Guidance:
    """Requests to K clients.

    Attributes:
        proximal_mu: pull towards where each client started (FedProx; Li et al. 2020, arXiv:1812.06127).
        correction: (K, …) added to every gradient (SCAFFOLD; Karimireddy et al. 2020, arXiv:1910.06378).
        confusion: (K, C, C) how the labels of each client come about: rows are distributions, over what is
            written down, of examples whose true class is the row's.
        calibration: a calibration term besides the loss, weighted step by step.
    """

    proximal_mu: float = 0.0
    correction: Parameters | None = None
    confusion: Tensor | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Confused:
    """A loss of what annotators would write down of a prediction: the forward correction.

    Patrini et al. 2017, arXiv:1609.03683, section 3.2, with a matrix for each of K clients.

    Attributes:
        loss: of the predictions as written down.
        confusion: (K, C, C) rows are distributions over what is written down.
    """

    loss: Objective
    confusion: Tensor

    def _seen(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions (K, B, C) and what is written down of them (K, B, C)."""
        probs = logits.softmax(-1)
        return probs, torch.bmm(probs, self.confusion).clamp_min(torch.finfo(probs.dtype).tiny)

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of each batch (K,)."""
        return self.loss.value(self._seen(logits)[1].log(), targets, weights)

    def gradient(self, logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient with respect to the logits (K, B, C), by the chain rule, and the loss (K,)."""
        probs, seen = self._seen(logits)
        outer, value = self.loss.gradient(seen.log(), targets, weights)
        inner = torch.bmm(outer / seen, self.confusion.mT)
        return probs * (inner - (probs * inner).sum(-1, keepdim=True)), value
