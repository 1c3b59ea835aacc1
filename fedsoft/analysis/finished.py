"""What of a cell has finished: its runs, where they lie, and what they cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.analysis.mishaps import Losses, losses_of
from fedsoft.study.plan import Cell
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


@dataclass(frozen=True)
class Finished:
    """One cell of the grid with what is there of it.

    Attributes:
        cell: the cell.
        store: where its runs are.
        device: where to compute.
        records: what each finished run was made with, by key.
    """

    cell: Cell
    store: Store
    device: str
    records: dict[str, dict[str, Any]]

    @property
    def done(self) -> list[RunSettings]:
        """The finished runs of the cell."""
        return [run for run in self.cell.runs if run.key in self.records]

    def runs(self, seed: int, strategy: str) -> list[RunSettings]:
        """The cell's runs of one seed under one strategy, in the order of its arms."""
        return [run for run in self.cell.runs if run.seed == seed and run.strategy.label() == strategy]

    @property
    def seconds(self) -> float:
        """Compute seconds of all finished runs, and of those that ensembles are made of."""
        return seconds_of(self.done, self.store)

    @property
    def losses(self) -> Losses:
        """The updates that these runs asked for and did not get."""
        trained = dict.fromkeys(run.key for made in self.done for run in made.trained())
        done = [key for key in trained if self.store.is_done(key)]
        return losses_of({key: self.records.get(key) or self.store.record(key) for key in done})

    def bytes_sent(self, strategy: str) -> float:
        """Bytes of parameters that training a run under a strategy sent, on average."""
        return self._mean("bytes_sent", strategy)

    def seconds_each(self, strategy: str) -> float:
        """Compute seconds that training a run under a strategy took, on average."""
        return self._mean("seconds", strategy)

    def _mean(self, what: str, strategy: str) -> float:
        runs = [run for run in self.done if run.strategy.label() == strategy and run.kind == "trained"]
        return float(np.mean([self.records[run.key][what] for run in runs]))


def seconds_of(runs: Iterable[RunSettings], store: Store) -> float:
    """Compute seconds of all that was trained to make some runs, each run counted once."""
    trained = {run.key for made in runs for run in made.trained() if store.is_done(run.key)}
    return float(sum(store.record(key)["seconds"] for key in sorted(trained)))
