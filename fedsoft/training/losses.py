"""What training minimises: cross-entropy to the targets, and losses that regularize calibration."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Protocol

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.registry import Options, Registry


class Objective(Protocol):
    """What a model asks of a loss; see `Loss`."""

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of each batch (K,), differentiable in the logits."""

    def gradient(self, logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient with respect to the logits (K, B, C), and the loss (K,), both detached."""


class Loss(Options):
    """A function of logits, targets and weights, for each of K batches by itself.

    Everywhere: logits (K, B, C); targets (K, B, C), rows that sum to 1, whose entries may be negative;
    weights (K, B) of each example in its batch's mean, 0 for padding.
    """

    @abstractmethod
    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of each batch (K,), differentiable in the logits."""

    def gradient(self, logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient with respect to the logits (K, B, C), and the loss (K,), both detached."""
        leaf = logits.detach().requires_grad_()
        with torch.enable_grad():
            loss = self.value(leaf, targets, weights)
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        return gradient, loss.detach()


LOSSES = Registry("loss", Loss)  # type: ignore[type-abstract]


@LOSSES("cross_entropy")
class CrossEntropy(Loss):
    """Cross-entropy to the targets: -Σ t log p."""

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean of -Σ t log p."""
        return -((targets * logits.log_softmax(-1)).sum(-1) * weights).sum(-1)

    def gradient(self, logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Written out: p - t. With classes before examples softmax runs along examples, 15 times faster."""
        log_probs, wanted, weights = logits.mT.log_softmax(1), targets.mT.contiguous(), weights.unsqueeze(1)
        loss = (wanted * log_probs).mul_(weights).sum((1, 2)).neg_()
        return log_probs.exp_().sub_(wanted).mul_(weights).mT, loss


@LOSSES("focal")
class Focal(Loss):
    """Focal loss, -Σ t (1 - p)^γ log p: less weight on what is already predicted with confidence.

    Lin et al. 2017, arXiv:1708.02002, for one-hot targets; a soft target weighs the classes' terms.
    """

    gamma: float = Field(2.0, ge=0, description="exponent γ of 1 - p; 0 is cross-entropy")

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean of -Σ t (1 - p)^γ log p."""
        log_probs = logits.log_softmax(-1)
        # Where p rounds to 1, the slope of a power below 1 would be infinite, times a log p of 0.
        rest = (-log_probs.expm1()).clamp_min(torch.finfo(logits.dtype).tiny)
        return -((targets * rest**self.gamma * log_probs).sum(-1) * weights).sum(-1)


@LOSSES("confidence_penalty")
class ConfidencePenalty(Loss):
    """Cross-entropy less β times the entropy of the prediction, in nats.

    Pereyra et al. 2017, arXiv:1701.06548.
    """

    beta: float = Field(0.1, ge=0, description="weight β of the entropy; 0 is cross-entropy")

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean of -Σ t log p + β Σ p log p."""
        log_probs = logits.log_softmax(-1)
        return -(((targets - self.beta * log_probs.exp()) * log_probs).sum(-1) * weights).sum(-1)


def confidence_gap(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """|Σ w (max p - t at the predicted class)| of each batch (K,), in [0, 1]: see `Dca`."""
    top = logits.argmax(-1, keepdim=True)
    gap = (logits.softmax(-1) - targets).gather(-1, top).squeeze(-1)
    return (gap * weights).sum(-1).abs()


def class_gap(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Mean over classes of |Σ w (p - t)| of each batch (K,), in [0, 2/C]: see `Mdca`."""
    return ((logits.softmax(-1) - targets) * weights.unsqueeze(-1)).sum(-2).abs().mean(-1)


Gap = Callable[[Tensor, Tensor, Tensor], Tensor]
GAPS: dict[str, Gap] = {"dca": confidence_gap, "mdca": class_gap}
"""Calibration gaps of batches by name; arguments as of `Loss`, differentiable in the logits."""


@LOSSES("dca")
class Dca(Loss):
    """Cross-entropy plus β times |mean confidence - mean accuracy| of the batch.

    Liang et al. 2020, arXiv:2009.04057. With soft targets a prediction is as accurate as the target has
    mass at the predicted class. The gap of a batch is noisy: take batches of 32 or more.
    """

    beta: float = Field(1.0, ge=0, description="weight β of the gap; 0 is cross-entropy")

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy + β |Σ w (max p - t at the predicted class)|."""
        gap = confidence_gap(logits, targets, weights)
        return CrossEntropy().value(logits, targets, weights) + self.beta * gap


@LOSSES("mdca")
class Mdca(Loss):
    """Cross-entropy plus β times the mean over classes of |mean probability - mean target| in the batch.

    Hebbalaguppe et al. 2022, arXiv:2203.13834, for one-hot targets; a soft target counts by its mass.
    The gaps of a batch are noisy: take batches of 32 or more.
    """

    beta: float = Field(1.0, ge=0, description="weight β of the gaps; 0 is cross-entropy")

    def value(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy + β mean over classes of |Σ w (p - t)|."""
        gap = class_gap(logits, targets, weights)
        return CrossEntropy().value(logits, targets, weights) + self.beta * gap


COUPLED = ("dca", "mdca")
"""Losses that are of a batch, not sums over its examples."""

LossChoice = Annotated[Loss, LOSSES.validator, LOSSES.serializer]
