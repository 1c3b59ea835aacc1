"""What clients tell a strategy besides their models: sums over their own training examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

FEW = 20
"""Examples of a class, fewer than which tell little of its direction."""
SQUARINGS = 12
"""A singular value that is 0.1 % smaller than the first is then down to a quarter of a thousandth of it."""
TINY = torch.finfo(torch.float64).tiny


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
    kept = many if len(many) > 1 else classes
    directions = _directions([seen.features[labels == c] for c in kept])
    cosines = (directions @ directions.T).abs().triu(1).sum()
    pairs = len(kept) * (len(kept) - 1) / 2
    return torch.stack([cosines, cosines.new_tensor(pairs)])


def _directions(parts: Sequence[Tensor]) -> Tensor:
    """The first right singular vector of each of C parts (n, D) -> (C, D).

    The smaller of a part's two products with itself is squared until nothing but its first eigenvector is
    left, which for all parts at once is several times faster than to decompose one after the other.
    """
    rows = pad_sequence([part.double() for part in parts], batch_first=True)
    wide = rows.shape[1] < rows.shape[2]
    power = rows @ rows.mT if wide else rows.mT @ rows
    for _ in range(SQUARINGS):
        power = power / power.norm(dim=(1, 2), keepdim=True).clamp_min(TINY)
        power = power @ power
    column = power.diagonal(dim1=1, dim2=2).argmax(1)
    vectors = power[torch.arange(len(power), device=power.device), :, column]
    directions = (rows.mT @ vectors.unsqueeze(2)).squeeze(2) if wide else vectors
    return directions / directions.norm(dim=1, keepdim=True).clamp_min(TINY)


REPORTS: dict[str, Callable[[Seen], Tensor]] = {
    "disagreement": disagreement,
    "misfit": misfit,
    "overlap": overlap,
}
OF_FEATURES = {"overlap"}
"""Reports that need features."""
