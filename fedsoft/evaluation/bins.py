"""Bins and ranks along the last dimension, batched over the others."""

from typing import Literal

import torch
from torch import Tensor

Binning = Literal["width", "mass"]


def places(values: Tensor) -> tuple[Tensor, Tensor]:
    """How many of the values (..., N) are below each, and how many are no higher, (..., N) both."""
    ordered, order = values.sort(dim=-1)
    number = torch.arange(values.shape[-1], device=values.device).expand(values.shape)
    edge = torch.ones_like(ordered[..., :1], dtype=torch.bool)
    step = ordered[..., 1:] != ordered[..., :-1]
    first = number.where(torch.cat([edge, step], dim=-1), 0).cummax(dim=-1).values
    after = (number + 1).where(torch.cat([step, edge], dim=-1), values.shape[-1])
    after = after.flip(-1).cummin(dim=-1).values.flip(-1)
    back = torch.empty_like(order).scatter(-1, order, number)
    return first.gather(-1, back), after.gather(-1, back)


def ranks(values: Tensor) -> Tensor:
    """Ranks from 0 to N - 1 of values (..., N); ties share their mean rank."""
    below, upto = places(values)
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
        return bin_of_rank(ranks(scores), bins)
    return (scores * bins).ceil_().sub_(1).clamp_(0, bins - 1).long()


def bin_of_rank(rank: Tensor, bins: int) -> Tensor:
    """The bin of equal mass, 0 to bins - 1, of each rank (..., N) from 0 to N - 1."""
    return (rank * bins / rank.shape[-1]).floor_().clamp_(0, bins - 1).long()


def bin_sums(index: Tensor, values: Tensor, bins: int) -> Tensor:
    """Sums of values (..., N) by bin (..., N), which broadcast, as (..., bins)."""
    index, values = torch.broadcast_tensors(index, values)
    return values.new_zeros((*values.shape[:-1], bins)).scatter_add(-1, index, values)
