"""The updates of several runs' rounds, and their means."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fedsoft.training import Parameters

CACHED = 2**16
"""Numbers that a processor adds up at a time: 256 KiB, which its cache holds."""


@dataclass(frozen=True)
class Updates:
    """Models that K clients of each of R runs send back.

    Attributes:
        models: (N, …) of all clients that trained.
        places: (R, K) where each run's clients stand among them, by partition.
        examples: (R, K) how many they trained on.
        losses: (R, K) their training losses, float64.
    """

    models: Parameters
    places: np.ndarray
    examples: np.ndarray
    losses: np.ndarray

    @cached_property
    def _rows(self) -> Tensor:
        """(R, K) the places, where the models are."""
        return torch.from_numpy(self.places).to(next(iter(self.models.values())).device)

    def of(self, name: str, k: int, runs: slice = slice(None)) -> Tensor:
        """(R, …) a parameter of each run's client number k; a copy."""
        return self.models[name].index_select(0, self._rows[runs, k])

    def stacked(self, name: str) -> Tensor:
        """(R, K, …) a parameter of all clients."""
        return self.models[name].index_select(0, self._rows.flatten()).unflatten(0, self._rows.shape)

    def chosen(self, order: np.ndarray) -> Self:
        """Those of some clients of each run, by their numbers (R, m)."""
        parts = self.places, self.examples, self.losses
        return type(self)(self.models, *(np.take_along_axis(part, order, axis=1) for part in parts))

    @property
    def shares(self) -> np.ndarray:
        """(R, K) what each client counts in means: by examples."""
        counts = self.examples.astype(float)
        shares: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def mean(self) -> Parameters:
        """(R, …) the mean models, weighted by examples.

        McMahan et al. 2017, arXiv:1602.05629. Added up client by client, with factors and sums in float32,
        as Flower's `aggregate_arrayrecords` does, so that on a processor the bits are the same.
        """
        shares = self.shares.astype(np.float32)
        return {name: self._mean(name, shares) for name in self.models}

    def _mean(self, name: str, shares: np.ndarray) -> Tensor:
        value = self.models[name]
        total = value.new_empty((len(shares), *value.shape[1:]))
        for runs in _at_a_time(value, len(shares)):
            factors = torch.from_numpy(shares[runs]).to(value.device)
            factors = factors.reshape(*factors.shape, *[1] * (value.ndim - 1))
            torch.mul(self.of(name, 0, runs), factors[:, 0], out=total[runs])
            for k in range(1, shares.shape[1]):
                total[runs] += self.of(name, k, runs).mul_(factors[:, k])
        return total

    def mean_losses(self) -> np.ndarray:
        """(R,) the clients' mean losses, added up in the same order, in float64."""
        shares, total = self.shares, np.zeros(len(self.losses))
        for k in range(shares.shape[1]):
            total += self.losses[:, k] * shares[:, k]
        return total


def _at_a_time(value: Tensor, runs: int) -> Iterator[slice]:
    """Runs of which a parameter (N, …) is added up at a time: all on a card, few on a processor."""
    size = runs if value.is_cuda else max(1, CACHED // max(1, value[0].numel()))
    for start in range(0, runs, size):
        yield slice(start, start + size)
