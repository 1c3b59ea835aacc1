from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from fedsoft.evaluation import build_references
from fedsoft.streams import stream

Crowd = tuple[Tensor, dict[str, Tensor], Tensor]


@pytest.fixture
def rng() -> np.random.Generator:
    return stream("tests of evaluation")


@pytest.fixture
def crowd(rng: np.random.Generator) -> Callable[..., Crowd]:
    """Predictions (..., N, C), references to compare them with, and votes (N, C)."""

    def build(N: int = 300, C: int = 4, lead: tuple[int, ...] = (), votes_each: int = 10) -> Crowd:
        probs = rng.dirichlet(np.full(C, 0.5), size=(*lead, N))
        shares = rng.dirichlet(np.full(C, 0.2), size=N)
        votes = torch.as_tensor(rng.multinomial(votes_each, shares))
        labels = torch.as_tensor(rng.integers(C, size=N))
        return torch.as_tensor(probs), build_references(labels, C, votes, rng), votes

    return build
