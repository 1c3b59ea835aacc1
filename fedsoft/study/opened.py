"""A study opened on its folder: checked before anything is written."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fedsoft.config import Endpoint
from fedsoft.datasets import AnnotatedDataset
from fedsoft.errors import DataError, FedsoftError, StoreError, StudyFileError
from fedsoft.evaluation import STRATA, human_strata
from fedsoft.files import read_json, write_json
from fedsoft.plural import plural
from fedsoft.privacy import SecureSum
from fedsoft.registry import nearest
from fedsoft.scenarios import Deal
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset, look_again, pick_device
from fedsoft.study.dealing import NO_VALIDATION, client_labels, deal_data, is_tested
from fedsoft.study.failures import Failure
from fedsoft.study.kept import give_kept, keep_data
from fedsoft.study.own_models import own_predictions
from fedsoft.study.plan import Cell, Plan, default_folder, make_plan
from fedsoft.study.prepare import prepare
from fedsoft.study.protection import check_protection
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.targets import Holdings, check_votes
from fedsoft.supervision.teacher import Teacher


@dataclass(frozen=True)
class Failed:
    """A run that could not be done.

    Attributes:
        run: its settings.
        failure: why, as `Store.failure` gives it.
        axes: the values that set apart the first cell that has it.
        cells: how many cells of the grid have it.
    """

    run: RunSettings
    failure: Failure
    axes: dict[str, Any]
    cells: int


@dataclass(frozen=True)
class OpenStudy:
    """A valid study whose data are there, and its folder.

    Attributes:
        table: the study file.
        where: its path.
        plan: what it asks for.
        store: its folder.
        device: where models are trained and scored.
        kept: a sentence on each dataset of which only what the study kept is there.
    """

    table: Mapping[str, Any]
    where: str
    plan: Plan
    store: Store
    device: str
    kept: tuple[str, ...] = ()

    @property
    def open_runs(self) -> list[RunSettings]:
        """The runs that are not done, each after those that it needs."""
        return [run for phase in self.plan.open(self.store) for run in phase]

    @property
    def failures(self) -> list[Failed]:
        """The runs that could not be done when they were last tried, those first that others need."""
        cells_of: dict[str, list[Cell]] = {}
        for cell in self.plan.cells:
            for key in dict.fromkeys(one.key for run in cell.runs for one in (*run.behind(), run)):
                cells_of.setdefault(key, []).append(cell)
        return [
            Failed(run, failure, cells_of[run.key][0].axes, len(cells_of[run.key]))
            for phase in self.plan.phases
            for run in phase
            if (failure := self.store.failure(run.key))
        ]

    @property
    def damaged(self) -> list[str]:
        """What was changed or deleted of runs that had finished, in a sentence a run."""
        runs = (run for phase in self.plan.phases for run in phase)
        return [told for run in runs if (told := self.store.damage(run.key))]

    def save(self) -> None:
        """Write the study beside its results, so that they can be read from any folder."""
        table = {**self.table, "dataset": self.plan.study.dataset.dump()}  # the data's path made absolute
        write_json(self.store.root / "study.json", {"where": self.where, "study": table})
        keep_data(self.store.root, dict.fromkeys(cell.study.dataset for cell in self.plan.cells))

    def summary(self) -> str:
        """What would run, for a person."""
        everything = [run for phase in self.plan.phases for run in phase]
        study, total, opened = self.plan.study, len(everything), self.open_runs
        teachers = sum(run.role == "teacher" for run in everything)
        priors = sum(run.role == "prior" for run in everything)
        others = total - teachers - priors - len(self.plan.runs)
        behind = f", {others} more that ensembles and calibrated runs are made of" if others else ""
        cells = f" × {plural(len(self.plan.cells), 'cell')} of the grid" if study.grid else ""
        stand = sum(self.store.checkpoint(run.key) is not None for run in opened)
        begun = f", {stand} of them from a checkpoint" if stand else ""
        before = f" and {plural(priors, 'prior')}" if priors else ""
        rivals = f" and {plural(len(study.rivals), 'rival')}" if study.rivals else ""
        return (
            f"{study.name}: {plural(len(study.sources), 'source')}{rivals} × "
            f"{plural(len(study.strategies), 'strategy', 'strategies')} × "
            f"{plural(len(study.seeds), 'seed')}{cells} = {plural(len(self.plan.runs), 'run')} of "
            f"{plural(study.rounds, 'round')}{behind}, and {plural(teachers, 'teacher')}{before}; "
            f"{len(opened):,} of {total:,} {'is' if len(opened) == 1 else 'are'} still to run{begun}.\n"
            f"{self._privacy_off()}"
            f"Results go to {self.store.root}."
        )

    def _privacy_off(self) -> str:
        """A line that says where [privacy] protects nothing; empty where it does, or was not asked for."""
        asked = [cell for cell in self.plan.cells if cell.study.privacy]
        off = [cell for cell in asked if cell.study.privacy and cell.study.privacy.in_force() is None]
        if not off:
            return ""
        where = "" if len(off) == len(self.plan.cells) else f" in {len(off)} of {len(self.plan.cells)} cells"
        return f"PRIVACY IS OFF{where}: every part of [privacy] has an infinite ε, or there is none.\n"


def open_study(table: Mapping[str, Any], where: str, out: Path | None = None) -> OpenStudy:
    """Validate a study and the data it needs, before anything is written.

    Raises:
        StudyFileError: the file is not valid, or the data cannot give what it asks.
        StoreError: the folder is somebody else's.
    """
    look_again()
    opened = _open(table, where, out, pick_device)
    _check_folder(opened.store.root, opened.plan.study.name)
    try:
        _check(opened.plan, opened.store, opened.device)
    except FedsoftError as error:
        raise StudyFileError(f"{where}: {error}") from None
    return opened


def reopen_study(folder: Path) -> OpenStudy:
    """Open a study from its folder of results, whose data were checked when it ran; it needs no GPU any more.

    Raises:
        StoreError: the folder holds no study.
    """
    if not (folder / "study.json").is_file():
        beside = folder.absolute().parent.glob("*/study.json")
        near = nearest(folder.name, sorted(file.parent.name for file in beside))
        raise StoreError(f"{folder} holds no study's results; name a folder that does ({near}).")
    saved = read_json(folder / "study.json")
    if not isinstance(saved, dict) or not {"where", "study"} <= saved.keys():
        raise StoreError(f"{folder / 'study.json'} does not hold a study; run the study again to mend it.")
    look_again()
    kept = give_kept(folder)
    opened = replace(_open(saved["study"], saved["where"], folder, lambda _: "cpu"), kept=tuple(kept))
    runs = (run for phase in opened.plan.phases for run in phase)
    if not any(opened.store.is_done(run.key) for run in runs) and opened.store.finished():
        raise StoreError(
            f"none of the finished runs in {folder} is one of its study any more: the data's or the model's "
            "files have changed since; put them back as they were, or run the study again."
        )
    return opened


def _open(table: Mapping[str, Any], where: str, out: Path | None, device: Callable[[str], str]) -> OpenStudy:
    torch.set_num_threads(1)  # more threads than free cores is many times slower on models this small
    plan = make_plan(table, where)
    return OpenStudy(table, where, plan, Store(default_folder(plan, out)), device(plan.study.device))


def _check_folder(folder: Path, name: str) -> None:
    """Refuse a folder in which results would lie among, or be written over, what is not theirs."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is not a folder; choose another with --out.")
    try:
        kept = read_json(folder / "study.json")["study"]["name"]
    except (StoreError, TypeError, KeyError):
        kept = None  # there is none, or it is damaged and will be written anew
    if kept not in (None, name):
        raise StoreError(
            f"{folder} holds the results of another study, {kept!r}; choose another folder with --out, or "
            f"--set name={kept} to add to them."
        )
    ours = kept or any(folder.glob("runs/*/settings.json"))
    if not ours and folder.exists() and any(not one.name.startswith(".") for one in folder.iterdir()):
        raise StoreError(
            f"{folder} is not empty and holds no study's results, which would lie among what is there; "
            "choose another folder with --out, or empty it."
        )


def _check(plan: Plan, store: Store, device: str) -> None:
    """Deal every seed's data; prepare one run of every source in the first cell, and one in the others."""
    checked = _Checked()
    for cell in plan.cells:
        data = load_dataset(cell.study.dataset)
        if not data.inputs.size:
            raise DataError(
                f"dataset {data.name!r} has answers alone, which nothing can be trained on; choose `folder` "
                "or `npz`, which bring images or features too."
            )
        if data.inputs.ndim != 4:
            _check_not_augmented(cell.runs, data.name)
        for run in cell.runs:
            asks_data = not run.scenario.simulated  # else what data lack is told in preparing
            for source in run.sources:
                if source.needs_answers and asks_data and data.annotations is None:
                    raise DataError(
                        f"sources: {source.label()!r} needs to know who answered what, but dataset "
                        f"{data.name!r} does not say it; add a file of answers with a column of "
                        "annotators, or `annotator_labels` with `annotator_ids`."
                    )
                if source.needs_votes and asks_data and data.votes is None:
                    raise DataError(
                        f"sources: {source.label()!r} needs human votes, but dataset {data.name!r} has only "
                        "labels; add votes to the data, or choose hard, smoothing at a rate, or a "
                        'teacher with match = "none".'
                    )
                if isinstance(source, Teacher) and source.own is not None:
                    data.require_predictions(source.own, f"sources: {source.label()!r}")
            if run.calibration and run.calibration.on == "vote":
                data.require_votes(f"rivals: {run.arm.label()!r}")
        if cell.study.endpoint:
            _check_endpoint(cell.study.endpoint, data)
            _check_stratum(cell, data)
        for run in cell.runs:
            checked.check(run, data)
        sources: dict[str, RunSettings] = {}
        for run in cell.runs:
            if run.sources and not run.teachers():
                sources.setdefault(run.arm.label(), (run.priors() or [run])[0])
        for run in list(sources.values())[: None if cell is plan.cells[0] else 1]:
            ready = prepare(run, store, device)
            check_protection(ready)
            if len(ready.deal.validation.rows):
                continue
            endpoint = cell.study.endpoint
            if any(run.calibration for run in cell.runs):
                raise DataError(NO_VALIDATION)
            if endpoint and endpoint.view not in ("raw", "equal_confidence"):
                raise DataError(
                    "endpoint.view: own temperatures need validation examples, and no client has the ten "
                    "examples that give one; use fewer clients, or another view."
                )


def _check_not_augmented(runs: Iterable[RunSettings], name: str) -> None:
    """Refuse to move or mirror features."""
    for one in (one for run in runs for one in (*run.behind(), run)):
        if one.trains and one.training.augment != "none":
            raise DataError(
                f"{one.label()}: training.augment = {one.training.augment!r} is for images, and dataset "
                f'{name!r} has features; set it to "none", or choose images (dataset.inputs = "images", '
                "where there are both)."
            )


@dataclass
class _Checked:
    """What was dealt and bought already: runs of a seed share the deal, and those of a source the votes."""

    deals: dict[str, Deal] = field(default_factory=dict)
    bought: set[tuple[str, str, str, SecureSum | None]] = field(default_factory=set)

    def check(self, run: RunSettings, data: AnnotatedDataset) -> None:
        """Deal the data as a run's seed does and buy its votes, unless a run that does the same was checked.

        A run of the user's own model must have all predictions that it is scored by.

        Raises:
            DataError: the data cannot give what the run asks of them.
        """
        deal = run.model_dump_json(include={"dataset", "content", "scenario", "seed", "folds", "redraw"})
        privacy = str(run.mechanism and run.mechanism.model_dump(exclude={"epsilon", "project"}))
        secure_sum = run.privacy.secure_sum if run.privacy and run.trains else None
        what = deal, run.own or (run.source.label() if run.source else ""), privacy, secure_sum
        if what in self.bought:
            return
        self.bought.add(what)
        try:
            if deal not in self.deals:
                self.deals[deal] = deal_data(run, data)
            dealt = self.deals[deal]
            if secure_sum:
                _check_sum(secure_sum, dealt.train.sizes, run.scenario.participation)
            if run.own is not None:
                own_predictions(run, data, dealt)
                return
            places = np.arange(len(dealt.train.rows)) if run.scenario.partition.overlaps else None
            labels = client_labels(run, data)
            check_votes(Holdings(run, data, labels, dealt.train, places, dealt.team))
        except FedsoftError as error:
            raise DataError(f"seed {run.seed}: {error}") from None


def _check_sum(secure_sum: SecureSum, sizes: np.ndarray, participation: float) -> None:
    """Refuse clients (K,) of so many examples that their sums hide nobody, or do not fit."""
    try:
        secure_sum.check_sizes(sizes, participation)
    except ValueError as error:
        raise DataError(f"privacy.secure_sum: {error}.") from None


def _check_endpoint(endpoint: Endpoint, data: AnnotatedDataset) -> None:
    """Refuse an endpoint that the data cannot give, before anything runs."""
    strata = ("all", *STRATA) if data.judges is not None else ("all",)
    if endpoint.stratum not in strata:
        raise DataError(
            f"endpoint.stratum: {endpoint.stratum!r} is no stratum of dataset {data.name!r} "
            f"({nearest(endpoint.stratum, list(strata))})."
        )
    if endpoint.view == "own_temperature_vote" and data.votes is None:
        raise DataError(
            f"endpoint.view: {endpoint.view!r} needs human votes, but dataset {data.name!r} has only "
            'labels; use "own_temperature".'
        )
    if endpoint.reference != "label" and data.judges is None:
        lacks = f"dataset {data.name!r} has only labels"
        if data.votes is not None:
            lacks = f"some tested {data.noun} of dataset {data.name!r} have none"
        raise DataError(
            f'endpoint.reference: {endpoint.reference!r} needs human votes, but {lacks}; use "label".'
        )


def _check_stratum(cell: Cell, data: AnnotatedDataset) -> None:
    """Refuse an endpoint on a stratum in which the cell's seeds test nothing."""
    endpoint = cell.study.endpoint
    if endpoint is None or data.judges is None or endpoint.stratum == "all":
        return
    rows = np.flatnonzero(data.may_be_tested)
    strata = human_strata(torch.from_numpy(data.judges[rows]), stream("strata"))
    folds = {run.fold: run for run in cell.runs}
    tested = np.any([is_tested(run, data) for run in folds.values()], axis=0)[rows]
    filled = ["all", *(name for name, mask in strata.items() if (mask.numpy() & tested).any())]
    if endpoint.stratum not in filled:
        raise DataError(
            f"endpoint.stratum: none of the tested {data.noun} of dataset {data.name!r} is in "
            f"{endpoint.stratum!r}; choose {' or '.join(filled)}."
        )
