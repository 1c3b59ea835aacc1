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
        confusion: (C, C) what it was told of how its labels come about; None where it was not.
        features: (n, D) what the received model's last layer sees of them; None where no report needs it.
    """

    probs: Tensor
    targets: Tensor
    confusion: Tensor | None
    features: Tensor | None = None


def joint(seen: Seen) -> Tensor:
    """(C, C) how much mass of targets on the column's class falls on examples of the row's class.

    Which class an example has is what the model predicts, and, where the client's confusion is known, what
    its own target says beside: the expectation step of Dawid and Skene 1979 (doi:10.2307/2346806) with the
    model's prediction for a prior, as in Raykar et al. 2010 (JMLR 11:1297).
    """
    responsible = seen.probs.double()
    if seen.confusion is not None:
        likely = seen.targets.double() @ seen.confusion.double().clamp_min(1e-12).log().T
        responsible = (responsible.clamp_min(1e-12).log() + likely).softmax(-1)
    return responsible.T @ seen.targets.double()


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


REPORTS: dict[str, Callable[[Seen], Tensor]] = {"joint": joint, "misfit": misfit, "overlap": overlap}
OF_FEATURES = {"overlap"}
"""Reports that need features."""
