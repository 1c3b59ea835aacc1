"""The targets of several runs as one table, one below the other, and where each client's stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fedsoft.federation.asked import Told
from fedsoft.federation.task import Task


@dataclass(frozen=True)
class Table:
    """Targets of several runs.

    Attributes:
        rows: (T, C) all runs' tables, one below the other, and one-hot rows of the classes, which all share.
        first: where each run's table begins, by the identity of its task.
        size: how many rows there are before the one-hot ones.
    """

    rows: Tensor
    first: dict[int, int]
    size: int

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Self:
        """Of runs, each once; that of a single run that needs no one-hot rows is its own, uncopied."""
        sizes = [len(task.targets) for task in tasks]
        first = {id(task): sum(sizes[:i]) for i, task in enumerate(tasks)}
        if len(tasks) == 1 and not tasks[0].delivery:
            return cls(tasks[0].targets, first, sizes[0])
        onehot = torch.eye(tasks[0].targets.shape[1]).to(tasks[0].targets)
        return cls(torch.cat([*(task.targets for task in tasks), onehot]), first, sum(sizes))

    def begin(self, asked: Sequence[Told]) -> np.ndarray | None:
        """(K,) where the table of each client's run begins, if its examples' targets stand there by dataset
        row; None where for some client they do not."""
        if any(one.task.delivery or one.task.places is not None for one in asked):
            return None
        return np.array([self.first[id(one.task)] for one in asked])

    def places(self, one: Told) -> np.ndarray:
        """Rows (epochs, n) of a client's examples' targets."""
        rows, own = one.task.delivered(one.partition, one.server_round), len(one.task.targets)
        first = self.first[id(one.task)]
        return np.where(rows < own, first + rows, self.size - own + rows)
