"""What predictions are compared with: the label, the human mode, or a vote, as (N, C) on the simplex."""

import numpy as np
import torch
from torch import Tensor


def onehot(labels: Tensor, classes: int) -> Tensor:
    """Class indices (...) as one-hot float64 rows (..., C)."""
    rows = torch.zeros((*labels.shape, classes), dtype=torch.float64, device=labels.device)
    return rows.scatter(-1, labels.long().unsqueeze(-1), 1.0)


def soft_labels(votes: Tensor) -> Tensor:
    """Vote counts (N, C) as distributions (N, C), float64; an image without votes gives a row of NaN."""
    counts = votes.double()
    return counts / counts.sum(dim=-1, keepdim=True)


def human_mode(votes: Tensor, rng: np.random.Generator) -> Tensor:
    """The class with most votes (N,); ties are split at random, never in favour of the label."""
    noise = torch.as_tensor(rng.random(tuple(votes.shape)), device=votes.device)
    return noise.where(votes == votes.amax(dim=-1, keepdim=True), -1.0).argmax(dim=-1)


def build_references(
    labels: Tensor, classes: int, votes: Tensor | None, rng: np.random.Generator
) -> dict[str, Tensor]:
    """The references that the data allow, each (N, C): ``label``, and with votes ``mode`` and ``vote``."""
    references = {"label": onehot(labels, classes)}
    if votes is not None:
        references["mode"] = onehot(human_mode(votes, rng), classes)
        references["vote"] = soft_labels(votes)
    return references


def entropy(distributions: Tensor) -> Tensor:
    """Shannon entropy in nats of rows (..., C), as (...) float64, between 0 and log C.

    Rounded to 12 decimals, so that entropies which are equal but for the order of summation, such as
    those of the votes (9, 1) and (1, 9), tie in ranks.
    """
    return torch.special.entr(distributions.double()).sum(dim=-1).round(decimals=12)
