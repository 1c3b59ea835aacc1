"""Scoring stored predictions: every run × stratum × client × metric as one tidy table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedsoft.analysis.effects import HALF
from fedsoft.annotators import split_half
from fedsoft.datasets import AnnotatedDataset
from fedsoft.errors import StoreError
from fedsoft.evaluation import METRICS, build_references, evaluate, human_strata, soft_labels
from fedsoft.files import csv_lines, write_text
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.plan import Cell, Plan
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store

SPREAD = ("accuracy", "signed_gap")
"""What is told of how clients differ."""
PER_CLIENT = ("accuracy", "nll", "brier", "signed_gap", "ece")
COLUMNS = ("dataset", "source", "strategy", "partition", "fold", "seed", "engine")
ROW = ("stratum", "client", "reference", "metric", "value")
SMALLEST_CLIENT = 10
"""Clients with fewer test examples get no figures of their own: they would be noise."""
ENOUGH = 10
"""Votes on each example from which on one half cuts the strata, and the other judges in them."""


@dataclass(frozen=True)
class Scored:
    """The test fold of one seed, with what predictions on it are compared with.

    Attributes:
        rows: (N,) dataset rows.
        references: (N, C) by name: label and, with votes, mode, vote and, where votes are many, their other
            half.
        strata: boolean (N,) by name, cut on one half of the votes where these are many.
        client: (N,) client of each example.
    """

    rows: np.ndarray
    references: dict[str, Tensor]
    strata: dict[str, Tensor]
    client: np.ndarray

    @property
    def in_strata(self) -> dict[str, Tensor]:
        """References within strata: a vote is one of those that did not cut them, where there are such."""
        return self.references | ({"vote": self.references[HALF]} if HALF in self.references else {})


def test_fold(run: RunSettings, rows: np.ndarray, client: np.ndarray, device: str) -> Scored:
    """References and strata of a run's test examples; strata are cut once, over all ever tested."""
    dataset = load_dataset(run.dataset)
    labels = torch.from_numpy(dataset.labels).to(device)
    judges = dataset.judges
    votes = None if judges is None else torch.from_numpy(judges).to(device)
    references = build_references(labels, dataset.classes, votes, stream("reference mode"))
    strata = {}
    if judges is not None:
        tested = torch.from_numpy(dataset.may_be_tested).to(device)
        cut = judges[dataset.may_be_tested]
        if halves := vote_halves(dataset):
            cut, other = halves
            references[HALF] = torch.full_like(references["vote"], torch.nan)
            references[HALF][tested] = soft_labels(torch.from_numpy(other).to(device))
        for name, mask in human_strata(torch.from_numpy(cut).to(device), stream("strata")).items():
            strata[name] = torch.zeros_like(tested).masked_scatter(tested, mask)
    chosen = torch.from_numpy(rows.astype(np.int64)).to(device)
    return Scored(
        rows,
        {name: reference[chosen] for name, reference in references.items()},
        {name: mask[chosen] for name, mask in strata.items()},
        client,
    )


def vote_halves(dataset: AnnotatedDataset) -> tuple[np.ndarray, np.ndarray] | None:
    """The votes (T, C) on the items that may be tested: the half that cuts strata, and the one that judges.

    None where some have too few votes for that, and all votes do both.
    """
    judges = dataset.judges
    if judges is None or not dataset.counted:
        return None
    judged = judges[dataset.may_be_tested]
    return split_half(judged, stream("strata halves")) if judged.sum(axis=1).min() >= ENOUGH else None


def predictions_of(
    runs: Sequence[RunSettings], store: Store, parts: Sequence[str] = ("test",)
) -> list[dict[str, np.ndarray]]:
    """Predictions of finished runs of one seed, which are all of the same images.

    Raises:
        StoreError: some are of others.
    """
    made = [store.predictions(run.key, parts) for run in runs]
    places = [name for name in made[0] if name.endswith(("_rows", "_client"))]
    for run, one in zip(runs, made, strict=True):
        if one.keys() != made[0].keys() or not all(np.array_equal(one[n], made[0][n]) for n in places):
            raise StoreError(
                f"the predictions of {run.label()} and of {runs[0].label()} are not of the same images; "
                f"delete {store.run_folder(run.key)} and {store.run_folder(runs[0].key)}, and run again."
            )
    return made


Clients = dict[tuple[str, str, str], list[float]]
"""What single clients score against the endpoint's reference, by strategy, source and metric."""


@dataclass(frozen=True)
class SeedScores:
    """Scores of a cell's finished runs of one seed.

    Attributes:
        lines: their lines of ``results.csv``.
        clients: accuracy and signed gap of single clients.
    """

    lines: str
    clients: Clients


def score_seed(cell: Cell, seed: int, store: Store, device: str) -> SeedScores:
    """Score the finished runs of a cell and seed as one batch."""
    runs = [run for run in cell.runs if run.seed == seed and store.is_done(run.key)]
    if not runs:
        return SeedScores("", {})
    made = predictions_of(runs, store)
    probs = torch.from_numpy(np.stack([m["test"] for m in made])).to(device).double()
    scores = list(_scores(probs, test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)))
    values = [value.tolist() for *_, value in scores]
    lines: list[tuple[Any, ...]] = []
    clients: Clients = {}
    for place, run in enumerate(runs):
        head = _head(cell, run, store)
        lines += [(*head, *row, value[place]) for (*row, _), value in zip(scores, values, strict=True)]
        for (_, client, reference, metric, _), value in zip(scores, values, strict=True):
            if client != "all" and reference == cell.study.reference and metric in SPREAD:
                key = run.strategy.label(), run.arm.label(), metric
                clients.setdefault(key, []).append(value[place])
    return SeedScores(csv_lines(lines), clients)


def _head(cell: Cell, run: RunSettings, store: Store) -> tuple[Any, ...]:
    """What all lines of a run begin with."""
    return (
        type(run.dataset).name,
        run.arm.label(),
        run.strategy.label(),
        run.scenario.partition.label(),
        run.fold,
        run.seed,
        store.record(run.key)["engine"],
        *cell.axes.values(),
    )


def _scores(probs: Tensor, fold: Scored) -> Iterator[tuple[str, str, str, str, Tensor]]:
    metrics = [METRICS.parse(name) for name in METRICS.names()]
    for score in evaluate(probs, fold.references, metrics, {}, stream("floors")):
        yield score.stratum, "all", score.reference, score.metric, score.value
    for score in evaluate(
        probs, fold.in_strata, metrics, fold.strata, stream("floors in strata"), whole=False
    ):
        yield score.stratum, "all", score.reference, score.metric, score.value
    few = [metric for metric in metrics if type(metric).name in PER_CLIENT]
    clients, sizes = np.unique(fold.client, return_counts=True)
    for client in clients[sizes >= SMALLEST_CLIENT]:
        chosen = torch.from_numpy(np.flatnonzero(fold.client == client)).to(probs.device)
        references = {name: reference[chosen] for name, reference in fold.references.items()}
        for score in evaluate(probs[:, chosen], references, few, {}, stream("floors")):
            yield "all", str(client), score.reference, score.metric, score.value


def write_results(plan: Plan, store: Store, scored: Iterable[SeedScores]) -> None:
    """Write ``results.csv`` of all seeds of all cells; runs of earlier study files are left out."""
    header = csv_lines([(*COLUMNS, *plan.study.grid, *ROW)])
    write_text(store.root / "results.csv", header + "".join(one.lines for one in scored))


def gather_clients(scored: Iterable[SeedScores]) -> Clients:
    """What single clients score in all of some seeds."""
    found: Clients = {}
    for one in scored:
        for key, values in one.clients.items():
            found.setdefault(key, []).extend(values)
    return found
