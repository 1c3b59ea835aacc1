"""Scoring stored predictions: every run × stratum × client × metric as one tidy table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation import METRICS, build_references, evaluate, human_strata
from fedsoft.files import write_csv
from fedsoft.streams import stream
from fedsoft.study.plan import Cell, Plan
from fedsoft.study.prepare import load_dataset
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store

PER_CLIENT = ("accuracy", "nll", "brier", "signed_gap", "ece")
COLUMNS = ("dataset", "source", "strategy", "partition", "fold", "seed", "engine")
ROW = ("stratum", "client", "reference", "metric", "value")
SMALLEST_CLIENT = 10
"""Clients with fewer test examples get no figures of their own: they would be noise."""


@dataclass(frozen=True)
class Scored:
    """The test fold of one seed, with what predictions on it are compared with.

    Attributes:
        rows: (N,) dataset rows.
        references: (N, C) by name: label and, with votes, mode and vote.
        strata: boolean (N,) by name.
        client: (N,) client of each example.
    """

    rows: np.ndarray
    references: dict[str, Tensor]
    strata: dict[str, Tensor]
    client: np.ndarray


def test_fold(run: RunSettings, rows: np.ndarray, client: np.ndarray, device: str) -> Scored:
    """References and strata of a run's test examples; strata are cut once, over all ever tested."""
    dataset = load_dataset(run.dataset)
    labels = torch.from_numpy(dataset.labels).to(device)
    votes = None if dataset.votes is None else torch.from_numpy(dataset.votes).to(device)
    references = build_references(labels, dataset.classes, votes, stream("reference mode"))
    strata = {}
    if votes is not None:
        tested = torch.ones(len(dataset), dtype=torch.bool, device=device)
        if dataset.held_out is not None:
            tested = torch.from_numpy(dataset.held_out).to(device)
        for name, mask in human_strata(votes[tested], stream("strata")).items():
            strata[name] = torch.zeros_like(tested).masked_scatter(tested, mask)
    chosen = torch.from_numpy(rows.astype(np.int64)).to(device)
    return Scored(
        rows,
        {name: reference[chosen] for name, reference in references.items()},
        {name: mask[chosen] for name, mask in strata.items()},
        client,
    )


Row = tuple[str, str, str, str, float]
"""Stratum, client, reference, metric and value."""


def score_seed(cell: Cell, seed: int, store: Store, device: str) -> list[tuple[RunSettings, list[Row]]]:
    """Score the finished runs of a cell and seed as one batch: each with its rows."""
    runs = [run for run in cell.runs if run.seed == seed and store.is_done(run.key)]
    if not runs:
        return []
    made = [store.predictions(run.key) for run in runs]
    probs = torch.from_numpy(np.stack([m["test"] for m in made])).to(device).double()
    fold = test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)
    rows: list[list[Row]] = [[] for _ in runs]
    for stratum, client, reference, metric, value in _scores(probs, fold):
        for place, number in enumerate(value.tolist()):
            rows[place].append((stratum, client, reference, metric, number))
    return list(zip(runs, rows, strict=True))


def _scores(probs: Tensor, fold: Scored) -> Iterator[tuple[str, str, str, str, Tensor]]:
    metrics = [METRICS.parse(name) for name in METRICS.names()]
    for score in evaluate(probs, fold.references, metrics, fold.strata, stream("floors")):
        yield score.stratum, "all", score.reference, score.metric, score.value
    few = [metric for metric in metrics if type(metric).name in PER_CLIENT]
    clients, sizes = np.unique(fold.client, return_counts=True)
    for client in clients[sizes >= SMALLEST_CLIENT]:
        chosen = torch.from_numpy(np.flatnonzero(fold.client == client)).to(probs.device)
        references = {name: reference[chosen] for name, reference in fold.references.items()}
        for score in evaluate(probs[:, chosen], references, few, {}, stream("floors")):
            yield "all", str(client), score.reference, score.metric, score.value


def write_results(
    plan: Plan, store: Store, scored: Iterable[tuple[Cell, list[tuple[RunSettings, list[Row]]]]]
) -> None:
    """Write ``results.csv`` of what `score_seed` gave of cells; runs of earlier study files are left out."""
    axes = tuple(plan.study.grid)
    table = []
    for cell, found in scored:
        for run, rows in found:
            head = (
                type(run.dataset).name,
                run.arm.label(),
                run.strategy.label(),
                run.scenario.partition.label(),
                run.fold,
                run.seed,
                store.record(run.key)["engine"],
                *(cell.axes[axis] for axis in axes),
            )
            table += [(*head, *row) for row in rows]
    write_csv(store.root / "results.csv", (*COLUMNS, *axes, *ROW), table)
