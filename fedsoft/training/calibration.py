"""A calibration term whose weight follows how near each local model still is to the global one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fedsoft.training.losses import GAPS, Gap, Objective
from fedsoft.training.model import Model, Parameters

Similarity = Literal["cosine", "cka"]
"""Of two models: the cosine of their parameters, or linear CKA of their logits on a batch."""


@dataclass(frozen=True)
class Calibration:
    """A request to K clients, as in NUCFL (Chu et al. 2025, arXiv:2409.04901).

    Attributes:
        gap: which calibration gap, by its name in `GAPS`.
        beta: its weight where the local model is the global one.
        similarity: what the weight is multiplied by in every step.
    """

    gap: str
    beta: float
    similarity: Similarity

    def added_to(
        self, loss: Objective, model: Model, now: Parameters, home: Parameters, x: Tensor
    ) -> "Calibrated":
        """A step's loss with the term.

        Args:
            loss: the loss without.
            model: the model.
            now: parameters (K, …) of the local models.
            home: parameters (K, …) of the global models that they started from.
            x: (K, B, …) the step's inputs.
        """
        if self.similarity == "cosine":
            near = self.beta * cosine(now, home)
            return Calibrated(loss, GAPS[self.gap], lambda logits, weights: near)
        there = model.forward(home, x)
        return Calibrated(
            loss, GAPS[self.gap], lambda logits, weights: self.beta * linear_cka(logits, there, weights)
        )


@dataclass(frozen=True)
class Calibrated:
    """A loss plus a weighted calibration gap; the weight is a constant of the step.

    Attributes:
        loss: without the gap.
        gap: of the batches.
        weight: of the gap (K,), given the logits (K, B, C) and the examples' weights (K, B).
    """

    loss: Objective
    gap: Gap
    weight: Callable[[Tensor, Tensor], Tensor]

    def _term(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The weighted gap (K,)."""
        return self.weight(logits.detach(), weights) * self.gap(logits, targets, weights)

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of each batch (K,), differentiable in the logits."""
        return self.loss.value(logits, targets, weights) + self._term(logits, targets, weights)

    def gradient(self, logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient with respect to the logits (K, B, C), and the loss (K,), both detached."""
        leaf = logits.detach().requires_grad_()
        with torch.enable_grad():
            term = self._term(leaf, targets, weights)
            (gradient,) = torch.autograd.grad(term.sum(), leaf)
        own, value = self.loss.gradient(logits, targets, weights)
        return own + gradient, value + term.detach()


def cosine(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> Tensor:
    """Cosines (K,) of two sets of parameters (K, …), each as one vector; 1 where one of them is 0."""
    K = len(next(iter(first.values())))
    pairs = [(value.reshape(K, -1), second[name].reshape(K, -1)) for name, value in first.items()]
    dot, one, two = (
        torch.stack([torch.linalg.vecdot(*pair) for pair in part]).sum(0)
        for part in (pairs, [(a, a) for a, _ in pairs], [(b, b) for _, b in pairs])
    )
    return _ratio(dot, (one * two).sqrt())


def linear_cka(first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
    """Linear centred kernel alignment (K,) of two representations (K, B, D), in [0, 1].

    Kornblith et al. 2019, arXiv:1905.00414, equation 3 with linear kernels: |XᵀY|² / (|XᵀX| |YᵀY|) of columns
    less their means, in Frobenius norms. It is 1 where nothing varies, as with batches of one example.

    Args:
        first: one representation of each example.
        second: another one.
        weights: (K, B) weight of each example in its batch's mean; 0 is padding.
    """
    share = weights.unsqueeze(-1)
    total = share.sum(1, keepdim=True)
    x, y = ((one - (share * one).sum(1, keepdim=True) / total) * share.sqrt() for one in (first, second))

    def norm(a: Tensor, b: Tensor) -> Tensor:
        return torch.bmm(a.mT, b).square().sum((1, 2))

    return _ratio(norm(x, y), (norm(x, x) * norm(y, y)).sqrt())


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """A quotient; 1 where the denominator is 0."""
    return torch.where(below > 0, above / below, 1.0)
