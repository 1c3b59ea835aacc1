"""Bins and ranks along the last dimension, batched over the others."""

from typing import Literal

import torch
from torch import Tensor

Binning = Literal["width", "mass"]


def ranks(values: Tensor) -> Tensor:
    """Ranks from 0 to N - 1 of values (..., N); ties share their mean rank."""
    values = values.contiguous()
    ordered = values.sort(dim=-1).values
    below = torch.searchsorted(ordered, values, right=False)
    upto = torch.searchsorted(ordered, values, right=True)
    return (below + upto - 1) / 2.0


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's correlation of values (..., N) and (..., N), in [-1, 1]; NaN where either does not vary."""
    middle = (first.shape[-1] - 1) / 2
    a, b = ranks(first).double() - middle, ranks(second).double() - middle
    scale = a.square().sum(dim=-1) * b.square().sum(dim=-1)
    return (a * b).sum(dim=-1) / scale.sqrt()


def bin_index(scores: Tensor, bins: int, binning: Binning) -> Tensor:
    """The bin, 0 to bins - 1, of each score (..., N) in [0, 1].

    ``width``: bins (a, b] of equal width, 0 in the first. ``mass``: equally many examples in each bin
    as far as ties allow, which are never parted, so that the order of examples does not matter.
    """
    if binning == "mass":
        index = (ranks(scores) * bins / scores.shape[-1]).floor()
    else:
        index = (scores * bins).ceil() - 1
    return index.long().clamp(0, bins - 1)


def bin_sums(index: Tensor, values: Tensor, bins: int) -> Tensor:
    """Sums of values (..., N) by bin (..., N), which broadcast, as (..., bins)."""
    index, values = torch.broadcast_tensors(index, values)
    return values.new_zeros((*values.shape[:-1], bins)).scatter_add(-1, index, values)
