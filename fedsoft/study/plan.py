"""What a study has to run, in what order, and what of it is done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fedsoft.config import Study, cells
from fedsoft.errors import DataError, StudyFileError
from fedsoft.study.settings import KINDS, RunSettings, runs_of
from fedsoft.study.store import Store


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: the values that set it apart, its study, its runs."""

    axes: dict[str, Any]
    study: Study
    runs: list[RunSettings]


@dataclass(frozen=True)
class Plan:
    """Everything that a study file asks for."""

    study: Study
    cells: list[Cell]

    @property
    def runs(self) -> list[RunSettings]:
        """Every run once, whichever cells share it."""
        return list({run.key: run for cell in self.cells for run in cell.runs}.values())

    @cached_property
    def phases(self) -> list[list[RunSettings]]:
        """All runs and what they need, each once, in groups of which each needs only those before it."""
        runs = {need.key: need for run in self.runs for need in (*run.behind(), run)}.values()
        phases = [[run for run in runs if run.kind == kind] for kind in KINDS]
        return [phase for phase in phases if phase]

    def open(self, store: Store) -> list[list[RunSettings]]:
        """The phases without what is done."""
        return [
            phase for runs in self.phases if (phase := [run for run in runs if not store.is_done(run.key)])
        ]

    @property
    def clients(self) -> int:
        """The largest number of clients of any run."""
        return max(run.scenario.clients for run in self.runs)


def make_plan(table: Mapping[str, Any], where: str) -> Plan:
    """Expand a study file.

    Raises:
        StudyFileError: it is not valid, or its data are missing.
    """
    expanded = cells(table, where)
    try:
        found = [Cell(axes, study, runs_of(study)) for axes, study in expanded]
    except DataError as error:
        raise StudyFileError(f"{where}: {error}") from None
    return Plan(expanded[0][1], found)


def default_folder(plan: Plan, out: Path | None) -> Path:
    """Where results go: ``runs/<study name>`` unless said otherwise."""
    return out or Path("runs") / plan.study.name


def labels(items: Iterable[Any]) -> list[str]:
    """The labels of arms or strategies, in order."""
    return [item.label() for item in items]
