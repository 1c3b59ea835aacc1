"""Everything that a report shows, computed once from what a study has stored."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from fedsoft.config import Endpoint
from fedsoft.evaluation import AGREEMENT, METRICS, ModeShifts, Score, evaluate, human_strata
from fedsoft.files import write_csv
from fedsoft.parallel import in_parallel
from fedsoft.streams import stream
from fedsoft.study.agreement import (
    agreement_bounds,
    equal_votes_score,
    mode_shift_rates,
    split_half_bound,
)
from fedsoft.study.analysis import Conclusion, Estimate, Values, conclude, estimate, gather, stack
from fedsoft.study.cartography import Atlas, Correlation, make_atlas
from fedsoft.study.plan import Cell, labels
from fedsoft.study.prepare import Prepared, load_dataset, prepare
from fedsoft.study.results import (
    Clients,
    gather_clients,
    predictions_of,
    score_seed,
    test_fold,
    write_results,
)
from fedsoft.study.settings import RunSettings
from fedsoft.study.stability import COLUMNS, Stability, flat, stability
from fedsoft.study.store import Store
from fedsoft.study.study import OpenStudy
from fedsoft.supervision import dose

POOLED = ("ece", *AGREEMENT, "aurc", "auroc")
"""What is scored on the predictions of all folds together, since it is not linear in examples."""
MANY = 50
"""Runs from which on the cells are worth a process each."""


@dataclass(frozen=True)
class Targets:
    """What one source's training targets are like, averaged over seeds, and what they cost.

    Attributes:
        summary: entropy, top_mass, mode_shift_rate.
        votes_bought: answers bought a seed, over all clients.
        privacy: ε per vote and per image, where labels are private.
    """

    summary: dict[str, float]
    votes_bought: float
    privacy: dict[str, float]


@dataclass(frozen=True)
class CellDigest:
    """One cell of the grid.

    Attributes:
        axes: the values that set it apart.
        estimates: levels and effects of every strategy, with intervals.
        pooled: by strategy and source, scores of the predictions pooled over folds (not linear in examples:
            ECE with its floor, agreement with people, selective prediction).
        reliability: by strategy and source, pooled confidence (N,), and hits (N,) by reference.
        curves: by strategy and source, (seeds, rounds + 1) of each per-round figure on validation examples;
            ensembles and calibrated sources have none.
        targets: by source.
        doses: by difficulty stratum of the training images, `all` first: (J, J) mean total variation between
            sources' targets, in the order of the study's sources.
        atlas: maps of the training examples; None where these were not followed.
        seconds: compute seconds of all runs, and of those that ensembles are made of.
        bytes_sent: bytes of parameters that training a run under each strategy sent, on average.
        bounds: floor and ceiling of each agreement metric, under the endpoint's strategy or else the first;
            empty without votes.
        split_half: another ceiling of the entropy correlation, from halves of the votes; NaN without votes.
        mode_shifts: how often votes' mode is not the label, by which votes; empty without votes.
        stability: by strategy and source, how steady training is from seed to seed, and how fast.
        clients: what single clients score, by strategy, source and metric.
    """

    axes: dict[str, Any]
    estimates: list[Estimate]
    pooled: dict[tuple[str, str], list[Score]]
    reliability: dict[tuple[str, str], tuple[np.ndarray, dict[str, np.ndarray]]]
    curves: dict[tuple[str, str], dict[str, np.ndarray]]
    targets: dict[str, Targets]
    doses: dict[str, np.ndarray]
    atlas: Atlas | None
    seconds: float
    bytes_sent: dict[str, float]
    bounds: dict[str, tuple[float, float]]
    split_half: float
    mode_shifts: dict[str, ModeShifts]
    stability: dict[tuple[str, str], Stability]
    clients: Clients = field(default_factory=dict)


@dataclass(frozen=True)
class Digest:
    """A study's results, ready to be shown.

    Attributes:
        opened: the study and its folder.
        crowd: what to call the people behind the votes.
        records: what each run was made with, by key.
        cells: one digest a cell of the grid.
        conclusions: the verdict on the endpoint in each cell; empty without an endpoint.
        missing: runs that have not finished.
        seconds: compute seconds of all runs, and of those that ensembles are made of.
    """

    opened: OpenStudy
    crowd: str
    records: dict[str, dict[str, Any]]
    cells: list[CellDigest]
    conclusions: list[Conclusion]
    missing: int
    seconds: float


def digest(opened: OpenStudy) -> Digest:
    """Score all finished runs, estimate effects, and write the CSV files of the results."""
    plan, store, device = opened.plan, opened.store, opened.device
    records = {run.key: store.record(run.key) for run in plan.runs if store.is_done(run.key)}
    crowd = load_dataset(plan.study.dataset).crowd_name  # loaded once, before forks that would each do it
    endpoint = plan.study.endpoint
    seeds = [(cell, seed) for cell in plan.cells for seed in cell.study.seeds]
    work: list[Callable[[], Any]] = [
        *(partial(_cell, cell, endpoint, store, device, records) for cell in plan.cells),
        *(partial(score_seed, cell, seed, store, device) for cell, seed in seeds),
    ]
    found = in_parallel(work, None if len(records) >= MANY and device == "cpu" else 1)
    digested, scored = found[: len(plan.cells)], found[len(plan.cells) :]
    write_results(plan, store, scored)
    clients = [
        gather_clients(scores for (of, _), scores in zip(seeds, scored, strict=True) if of is cell)
        for cell in plan.cells
    ]
    for_endpoint = [
        (cell, values) for cell, (_, values) in zip(plan.cells, digested, strict=True) if values is not None
    ]
    result = Digest(
        opened=opened,
        crowd=crowd,
        records=records,
        cells=[replace(cell, clients=own) for (cell, _), own in zip(digested, clients, strict=True)],
        conclusions=conclude(for_endpoint, endpoint) if endpoint and for_endpoint else [],
        missing=len(plan.runs) - len(records),
        seconds=_seconds([run for run in plan.runs if run.key in records], store),
    )
    _write_tables(result)
    return result


def _cell(
    cell: Cell, endpoint: Endpoint | None, store: Store, device: str, records: dict[str, dict[str, Any]]
) -> tuple[CellDigest, Values | None]:
    """One cell's digest, and what of its values the endpoint is computed from; None where there are none."""
    gathered = {name: gather(cell, name, store, device) for name in labels(cell.study.strategies)}
    whole = {name: values for name, values in gathered.items() if values is not None}
    found = _digest_cell(cell, whole, store, device, records)
    if endpoint is None or endpoint.strategy not in whole:
        return found, None
    values = whole[endpoint.strategy]
    key = endpoint.view, endpoint.reference, endpoint.metric
    return found, replace(values, values={key: values.values[key]})


def _digest_cell(
    cell: Cell, gathered: dict[str, Values], store: Store, device: str, records: dict[str, dict[str, Any]]
) -> CellDigest:
    sources = labels(cell.study.arms)
    baseline = "hard" if "hard" in sources else sources[0]
    pooled: dict[tuple[str, str], list[Score]] = {}
    reliability = {}
    bounds, split_half = {}, math.nan
    curves = _curves(cell, gathered, store)
    steady: dict[tuple[str, str], Stability] = {}
    for strategy, values in gathered.items():
        probs, fold_references = _pool(cell, strategy, values, store, device)
        metrics = [METRICS.parse(name) for name in POOLED]
        scores = evaluate(probs, fold_references, metrics, {}, stream("floors"))
        if "vote" in fold_references:
            scores.append(equal_votes_score(cell, values, probs))
            if strategy == _primary(cell, gathered):
                bounds = agreement_bounds(cell, values, probs)
                split_half = split_half_bound(cell, values)
        confidence = probs.amax(-1).cpu().numpy()
        for j, source in enumerate(sources):
            pooled[strategy, source] = [score._replace(value=score.value[j]) for score in scores]
            hits = {name: values.values["raw", name, "accuracy"][j] for name in fold_references}
            reliability[strategy, source] = (confidence[j], hits)
        steady |= stability(strategy, values, probs, curves)
    done = [run for run in cell.runs if run.key in records]
    return CellDigest(
        axes=cell.axes,
        estimates=[row for name, values in gathered.items() for row in estimate(values, name, baseline)],
        pooled=pooled,
        reliability=reliability,
        curves=curves,
        targets=_targets(cell, records),
        doses=_doses(cell, store, device),
        atlas=make_atlas(cell, store),
        seconds=_seconds(done, store),
        bytes_sent={
            name: float(
                np.mean(
                    [
                        records[run.key]["bytes_sent"]
                        for run in done
                        if run.strategy.label() == name and run.kind == "trained"
                    ]
                )
            )
            for name in gathered
        },
        bounds=bounds,
        split_half=split_half,
        mode_shifts=mode_shift_rates(cell),
        stability=steady,
    )


def _seconds(runs: Iterable[RunSettings], store: Store) -> float:
    """Compute seconds of all that was trained to make some runs, each run counted once."""
    trained = {run.key for made in runs for run in made.trained() if store.is_done(run.key)}
    return float(sum(store.record(key)["seconds"] for key in sorted(trained)))


def _primary(cell: Cell, gathered: dict[str, Values]) -> str:
    """The endpoint's strategy; without an endpoint, or without its results, the first that has any."""
    endpoint = cell.study.endpoint
    return endpoint.strategy if endpoint and endpoint.strategy in gathered else next(iter(gathered))


def _pool(
    cell: Cell, strategy: str, values: Values, store: Store, device: str
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Test predictions (J, N, C) of all seeds one after the other, with references."""
    probs, references = [], []
    for seed in dict.fromkeys(values.seed.tolist()):  # in the order of the values
        runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == strategy]
        made = predictions_of(runs, store)
        fold = test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)
        probs.append(stack(made, "test", device))
        references.append(fold.references)
    return (
        torch.cat(probs, dim=1),
        {name: torch.cat([part[name] for part in references]) for name in references[0]},
    )


def _curves(
    cell: Cell, gathered: dict[str, Values], store: Store
) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    curves: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for strategy, values in gathered.items():
        for source in values.sources:
            rounds = [
                store.rounds(run.key, run.rounds)
                for run in cell.runs
                if (run.strategy.label(), run.arm.label()) == (strategy, source) and run.seed in values.seed
                if run.kind == "trained"
            ]
            if rounds:
                curves[strategy, source] = {
                    name: np.array([[figures[name] for figures in run] for run in rounds])
                    for name in rounds[0][0]
                }
    return curves


def _targets(cell: Cell, records: dict[str, dict[str, Any]]) -> dict[str, Targets]:
    found = {}
    for source in labels(cell.study.arms):
        made = [records[r.key] for r in cell.runs if r.arm.label() == source and r.key in records]
        if made:
            found[source] = Targets(
                {name: float(np.mean([m["targets"][name] for m in made])) for name in made[0]["targets"]},
                float(np.mean([m["votes_bought"] for m in made])),
                {name: max(m["privacy"][name] for m in made) for name in made[0]["privacy"]},
            )
    return found


def _doses(cell: Cell, store: Store, device: str) -> dict[str, np.ndarray]:
    """Doses between all sources in the first finished seed: targets do not depend on the strategy."""
    first = cell.study.strategies[0].label()
    for seed in cell.study.seeds:
        runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == first]
        if all(store.is_done(teacher.key) for run in runs for teacher in run.teachers()):
            ready = {run.source: run for run in runs}
            made = {source: prepare(run, store, device) for source, run in ready.items()}
            place = [list(made).index(run.source) for run in runs]
            return {
                stratum: _distances([one.targets[mask] for one in made.values()])[np.ix_(place, place)]
                for stratum, mask in _training_strata(next(iter(made.values()))).items()
            }
    return {"all": np.full((len(cell.study.arms),) * 2, np.nan)}


def _distances(targets: Sequence[np.ndarray]) -> np.ndarray:
    """(J, J) doses between J targets (n, C)."""
    doses = np.zeros((len(targets),) * 2)
    for a, b in itertools.combinations(range(len(targets)), 2):
        doses[a, b] = doses[b, a] = dose(targets[a], targets[b])
    return doses


def _training_strata(ready: Prepared) -> dict[str, np.ndarray]:
    """Training examples (M,) by difficulty stratum, cut over themselves; strata without any are left out."""
    rows = ready.task.train.rows
    strata = {"all": np.ones(len(rows), dtype=bool)}
    if ready.dataset.votes is not None:
        found = human_strata(torch.from_numpy(ready.dataset.votes[rows]), stream("strata"))
        strata |= {name: mask.numpy() for name, mask in found.items() if mask.any()}
    return strata


def _write_tables(result: Digest) -> None:
    root, grid = result.opened.store.root, tuple(result.opened.plan.study.grid)
    fields = tuple(Estimate.__dataclass_fields__)
    write_csv(
        root / "effects.csv",
        (*grid, *fields),
        (
            (*cell.axes.values(), *(getattr(row, name) for name in fields))
            for cell in result.cells
            for row in cell.estimates
        ),
    )
    sources = labels(result.opened.plan.study.arms)
    write_csv(
        root / "doses.csv",
        (*grid, "stratum", "source", "other", "dose"),
        (
            (*cell.axes.values(), stratum, a, b, doses[i, j])
            for cell in result.cells
            for stratum, doses in cell.doses.items()
            for i, a in enumerate(sources)
            for j, b in enumerate(sources)
            if i < j
        ),
    )
    write_csv(
        root / "stability.csv",
        (*grid, "strategy", "source", *COLUMNS),
        (
            (*cell.axes.values(), *key, *flat(found))
            for cell in result.cells
            for key, found in cell.stability.items()
        ),
    )
    if any(cell.atlas for cell in result.cells):
        fields = tuple(Correlation.__dataclass_fields__)
        write_csv(
            root / "cartography.csv",
            (*grid, "votes", *fields),
            (
                (*cell.axes.values(), cell.atlas.votes, *(getattr(row, name) for name in fields))
                for cell in result.cells
                if cell.atlas
                for row in cell.atlas.correlations
            ),
        )
