"""What clients tell a strategy besides their models: sums over their own training examples."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Seen:
    """What a client has in hand when it reports.

    Attributes:
        probs: (n, C) the received global model's predictions on its training examples.
        targets: (n, C) their targets.
        confusion: (C, C) what it was told of how its labels come about; None where it was not.
    """

    probs: Tensor
    targets: Tensor
    confusion: Tensor | None


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


REPORTS: dict[str, Callable[[Seen], Tensor]] = {"joint": joint, "misfit": misfit}
