"""Training cartography: how sure a model is of each training example, over the rounds of its training."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cartography:
    """Running sums over rounds of what a model says of N examples, by Welford's update, in float64.

    Swayamdipta et al. 2020, arXiv:2009.10795, with rounds of the global model for epochs.

    Attributes:
        rounds: rounds seen, at least one before anything is read.
        mean: (N,) mean probability of the example's class.
        squares: (N,) squared deviations from that mean, summed.
        hits: (N,) rounds in which the example's class was the most probable.
    """

    rounds: int
    mean: Tensor
    squares: Tensor
    hits: Tensor

    @classmethod
    def start(cls, examples: int, device: torch.device | str = "cpu") -> Self:
        """Nothing seen yet."""
        zeros = torch.zeros(examples, dtype=torch.float64, device=device)
        return cls(0, zeros, zeros, zeros)

    def after(self, probs: Tensor, classes: Tensor) -> Self:
        """The sums with one more round.

        Args:
            probs: (N, C) the model's probabilities.
            classes: (N,) the class that each example is followed at, the same in every round.
        """
        p = probs.gather(-1, classes.long().unsqueeze(-1)).squeeze(-1).double()
        rounds, away = self.rounds + 1, p - self.mean
        mean = self.mean + away / rounds
        hits = self.hits + (probs.argmax(dim=-1) == classes)
        return type(self)(rounds, mean, self.squares + away * (p - mean), hits)

    @property
    def confidence(self) -> Tensor:
        """(N,) mean over rounds of the class's probability, in [0, 1]."""
        return self.mean

    @property
    def variability(self) -> Tensor:
        """(N,) standard deviation over rounds of that probability, in [0, 0.5]."""
        return (self.squares / self.rounds).sqrt()

    @property
    def correctness(self) -> Tensor:
        """(N,) share of the rounds in which the class was the most probable, in [0, 1]."""
        return self.hits / self.rounds
