"""What clients tell a strategy besides their models: sums over their own training examples."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FEW = 20
"""Examples of a class, fewer than which tell little of its direction."""


@dataclass(frozen=True)
class Seen:
    """What a client has in hand when it reports.

    Attributes:
        probs: (n, C) the received global model's predictions on its training examples.
        targets: (n, C) their targets.
        features: (n, D) what the received model's last layer sees of them; None where no report needs it.
    """

    probs: Tensor
    targets: Tensor
    features: Tensor | None = None


def disagreement(seen: Seen) -> Tensor:
    """(5,) sums over examples of δ, g, δ², δg and g², which say how often labels slip.

    If labels t were drawn from the predictions p and then slipped to any other class at a rate ρ, their mass
    Σ t p would be Σ p² less ρ g in the mean, with g = Σ p² - (1 - Σ p²) / (C - 1). So δ = Σ p² - Σ t p is ρ g
    in the mean, and Σ δ / Σ g estimates ρ. Where labels are surer than predictions it is below zero.
    """
    probs, targets = seen.probs.double(), seen.targets.double()
    expected = probs.square().sum(-1)
    delta = expected - (probs * targets).sum(-1)
    gain = expected - (1 - expected) / (probs.shape[1] - 1)
    return torch.stack([delta, gain, delta * delta, delta * gain, gain * gain]).sum(-1)


def misfit(seen: Seen) -> Tensor:
    """(2,) sums over examples: cross-entropy of the model to the targets, and the targets' own entropy."""
    probs, targets = seen.probs.double().clamp_min(1e-12), seen.targets.double()
    return torch.stack([-(targets * probs.log()).sum(), torch.special.entr(targets.clamp_min(0)).sum()])


def overlap(seen: Seen) -> Tensor:
    """(2,) |cosine| of the directions of two classes, summed over pairs of classes; and the number of pairs.

    The direction of a class is the first right singular vector of the features of the examples that have
    it for a label (the mode of their targets), not centred: FedSIR, arXiv:2604.20825. As in its authors'
    code, classes of fewer than `FEW` examples are left out, unless fewer than two classes have so many.
    """
    if seen.features is None:
        raise ValueError("the report 'overlap' needs features")
    labels = seen.targets.argmax(-1)
    classes, counts = labels.unique(return_counts=True)
    many = classes[counts >= FEW]
    directions = torch.stack(
        [_direction(seen.features[labels == c]) for c in (many if len(many) > 1 else classes)]
    )
    cosines = (directions @ directions.T).abs().triu(1).sum()
    pairs = len(directions) * (len(directions) - 1) / 2
    return torch.stack([cosines, cosines.new_tensor(pairs)])


def _direction(features: Tensor) -> Tensor:
    """The first right singular vector (D,) of features (n, D), from the smaller of their two products."""
    rows = features.double()
    if len(rows) > rows.shape[1]:
        return torch.linalg.eigh(rows.T @ rows)[1][:, -1]
    direction = rows.T @ torch.linalg.eigh(rows @ rows.T)[1][:, -1]
    return direction / direction.norm().clamp_min(torch.finfo(direction.dtype).tiny)


REPORTS: dict[str, Callable[[Seen], Tensor]] = {
    "disagreement": disagreement,
    "misfit": misfit,
    "overlap": overlap,
}
OF_FEATURES = {"overlap"}
"""Reports that need features."""
