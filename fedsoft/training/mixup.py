"""Mixup: training on convex combinations of examples instead of the examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.training.model import as_batch
from fedsoft.training.steps import Steps


@dataclass(frozen=True)
class Mixing:
    """What each batch of `Steps` is mixed with: itself, in another order.

    Zhang et al. 2018, arXiv:1710.09412.

    Attributes:
        partner: (P, B) place in the batch of each example's partner; padding is its own.
        share: (P,) share λ of the example itself, in [0, 1].
    """

    partner: np.ndarray
    share: np.ndarray


def plan_mixing(steps: Steps, alpha: float, rngs: Sequence[np.random.Generator]) -> Mixing:
    """Draw, for every batch, an order of partners and a share from Beta(α, α).

    Args:
        steps: the batches.
        alpha: positive; towards 0 either example is left alone, 1 is uniform.
        rngs: the generator of each client, in the caller's order of clients.
    """
    partner = np.broadcast_to(np.arange(steps.rows.shape[1]), steps.rows.shape).copy()
    share = np.ones(len(partner), dtype=np.float32)
    sizes = (steps.weights > 0).sum(axis=1)
    for place, client in enumerate(steps.client):
        for batch in steps.batches_of(place):
            partner[batch, : sizes[batch]] = rngs[client].permutation(sizes[batch])
            share[batch] = rngs[client].beta(alpha, alpha)
    return Mixing(partner, share)


def mix(x: Tensor, targets: Tensor, partner: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs (K, B, …) and targets (K, B, C) mixed with those of their partners (K, B) by share (K,)."""
    stacked = torch.arange(len(x), device=x.device).unsqueeze(1)
    x = as_batch(x)
    return (
        torch.lerp(x[stacked, partner], x, share.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))),
        torch.lerp(targets[stacked, partner], targets, share.to(targets.dtype).reshape(-1, 1, 1)),
    )
