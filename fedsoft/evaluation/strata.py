"""Difficulty strata: examples grouped by how far people disagree, or by a reference model's margin."""

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.references import entropy, soft_labels

STRATA = ("unanimous", "middle", "hardest_fifth")


def human_strata(votes: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
    """Group images by the entropy of their votes.

    Args:
        votes: (N, C) counts, which should not be the votes that the model was trained on.
        rng: breaks ties at the border of the hardest fifth.

    Returns:
        Boolean masks (N,) that part the images: ``unanimous`` (all votes on one class),
        ``hardest_fifth`` (the N // 5 of highest entropy, fewer where fewer are not unanimous) and
        ``middle`` (the rest).
    """
    uncertainty = entropy(soft_labels(votes))
    unanimous = uncertainty == 0
    hardest = _order(uncertainty, rng) >= len(votes) - len(votes) // 5
    hardest = hardest & ~unanimous
    return dict(zip(STRATA, (unanimous, ~(unanimous | hardest), hardest), strict=True))


def margin_strata(probs: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
    """Group examples into fifths by a reference model's margin, its top less its second probability.

    Args:
        probs: (N, C) out-of-fold predictions of the reference model.
        rng: breaks ties.

    Returns:
        Boolean masks (N,) from ``margin_fifth_1`` (smallest margin, hardest) to ``margin_fifth_5``.
    """
    best = probs.topk(2, dim=-1).values
    fifth = _order(best[:, 0] - best[:, 1], rng) * 5 // len(probs)
    return {f"margin_fifth_{k + 1}": fifth == k for k in range(5)}


def _order(values: Tensor, rng: np.random.Generator) -> Tensor:
    """Place of each value (N,) in ascending order, 0 to N - 1; ties in random order."""
    shuffle = torch.as_tensor(rng.permutation(len(values)), device=values.device)
    ascending = shuffle[values[shuffle].argsort(stable=True)]
    return torch.empty_like(ascending).scatter(0, ascending, torch.arange(len(values), device=values.device))
