"""Everything that a report shows, computed once from what a study has stored."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from fedsoft.analysis.agreement import agreement_bounds, equal_votes_score, mode_shift_rates, split_half_bound
from fedsoft.analysis.cartography import Atlas, make_atlas
from fedsoft.analysis.comparison import Compared, compare, find_obstacle
from fedsoft.analysis.conclusions import Conclusion, conclude
from fedsoft.analysis.contest import Contest, contest_of
from fedsoft.analysis.curves import Curves, curves_of
from fedsoft.analysis.effects import effects_of
from fedsoft.analysis.estimates import Estimate, estimate
from fedsoft.analysis.finished import Finished, seconds_of
from fedsoft.analysis.frontier import Frontier, frontier_of, write_frontier
from fedsoft.analysis.holdings import Holdings, holdings_of
from fedsoft.analysis.learning import JUDGES, Learned, Rest, learned, rest_of
from fedsoft.analysis.mishaps import Losses
from fedsoft.analysis.pairs import Pair, Price, Purchase, effort, pairs_of, purchases
from fedsoft.analysis.pooled import Reliability, pool, pooled_scores, reliability_of
from fedsoft.analysis.scores import Clients, gather_clients, score_seed, write_results
from fedsoft.analysis.stability import Stability, stability
from fedsoft.analysis.strategies import Comparison, compare_strategies, write_strategies
from fedsoft.analysis.tables import write_tables
from fedsoft.analysis.targets import Targets, doses_of, targets_of
from fedsoft.analysis.values import Values, gather
from fedsoft.annotators.crowd import KnownCrowd, crowd_of
from fedsoft.annotators.mode_shifts import ModeShifts
from fedsoft.config import Study
from fedsoft.evaluation import Score
from fedsoft.parallel import in_parallel
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import OpenStudy
from fedsoft.study.plan import Cell, labels

MANY = 50
"""Runs from which on the cells are worth a process each."""


@dataclass(frozen=True)
class CellDigest:
    """One cell of the grid.

    Attributes:
        axes: the values that set it apart.
        study: the cell's study.
        estimates: levels and effects of every strategy, with intervals.
        pooled: by strategy and source, scores of the predictions pooled over folds (not linear in examples:
            ECE with its floor, agreement with people, selective prediction).
        reliability: by strategy and source, pooled confidence (N,), and hits (N,) by reference.
        curves: by strategy and source, (seeds, rounds + 1) of each per-round figure on validation examples;
            ensembles and calibrated sources have none.
        targets: by source.
        doses: by difficulty stratum of the training images, `all` first: (J, J) mean total variation between
            sources' targets, in the order of the study's sources.
        holdings: who held what in the first finished seed; None where one client holds everything.
        atlas: maps of the training examples; None where these were not followed.
        seconds: compute seconds of all runs, and of those that ensembles are made of.
        losses: the updates that these runs asked for and did not get.
        bytes_sent: bytes of parameters that training a run under each strategy sent, on average.
        bounds: floor and ceiling of each agreement metric, under the endpoint's strategy or else the first;
            empty without votes.
        split_half: another ceiling of the entropy correlation, from halves of the votes; NaN without votes.
        mode_shifts: how often votes' mode is not the label, by which votes; empty without votes.
        stability: by strategy and source, how steady training is from seed to seed, and how fast.
        learned: every source under every strategy against the constant forecast.
        rests: whether the training of the compared pair was at rest, under the primary strategy.
        pairs: every two arms under the primary strategy.
        purchases: what to buy for each goal, under the primary strategy.
        constants: what the constant forecast scores on all test examples, by reference and metric.
        clients: what single clients score, by strategy, source and metric.
    """

    axes: dict[str, Any]
    study: Study
    estimates: list[Estimate]
    pooled: dict[tuple[str, str], list[Score]]
    reliability: Reliability
    curves: dict[tuple[str, str], Curves]
    targets: dict[str, Targets]
    doses: dict[str, np.ndarray]
    holdings: Holdings | None
    atlas: Atlas | None
    seconds: float
    losses: Losses
    bytes_sent: dict[str, float]
    bounds: dict[str, tuple[float, float]]
    split_half: float
    mode_shifts: dict[str, ModeShifts]
    stability: dict[tuple[str, str], Stability]
    learned: list[Learned]
    rests: dict[str, Rest]
    pairs: list[Pair]
    purchases: list[Purchase]
    constants: dict[tuple[str, str], float]
    clients: Clients = field(default_factory=dict)

    def has_learned(self, row: Estimate) -> bool | None:
        """Whether all sources that a level or effect speaks of beat the constant forecast; None if unknown.

        It is judged in the row's view, against its reference, by the proper score that goes with its metric.
        """
        known = [
            self._learned.get((row.strategy, name, row.view, row.reference, JUDGES.get(row.metric, "brier")))
            for name in (self._combined[row.name] if row.formula else [row.name])
        ]
        return None if None in known else all(known)

    @cached_property
    def _combined(self) -> dict[str, list[str]]:
        """The sources that each effect combines."""
        sources = labels(self.study.arms)
        return {
            effect.name: [sources[j] for j in np.flatnonzero(effect.coefficients)]
            for effect in effects_of(sources, self.study.baselines)
        }

    @cached_property
    def _learned(self) -> dict[tuple[str, str, str, str, str], bool]:
        return {
            (row.strategy, row.source, row.view, row.reference, row.metric): row.beats_constant
            for row in self.learned
        }


@dataclass(frozen=True)
class Digest:
    """A study's results, ready to be shown.

    Attributes:
        opened: the study and its folder.
        crowd: what to call the people behind the votes, of all cells at once.
        records: what each run was made with, by key.
        cells: one digest a cell of the grid.
        conclusions: the verdict on the endpoint in each cell; empty without an endpoint.
        missing: runs that have not finished.
        seconds: compute seconds of all runs, and of those that ensembles are made of.
        people: who gave the single answers; None where that is not known.
        strategies: how they compare; None where there are not two with results.
        frontier: what privacy takes away; None where no axis of the grid is an ε.
    """

    opened: OpenStudy
    crowd: str
    records: dict[str, dict[str, Any]]
    cells: list[CellDigest]
    conclusions: list[Conclusion]
    missing: int
    seconds: float
    people: KnownCrowd | None
    strategies: Comparison | None = None
    frontier: Frontier | None = None


def digest(opened: OpenStudy, device: str = "cpu") -> Digest:
    """Score all finished runs, estimate effects, and write the CSV files of the results.

    Args:
        opened: the study.
        device: where to compute. Wherever models were trained, forks on all cores share the work on the CPU;
            on another device this process does it alone, since forks have no use of one.
    """
    plan, store = opened.plan, opened.store
    records = {run.key: store.record(run.key) for run in plan.runs if store.is_done(run.key)}
    crowd = _crowd_name(plan.cells)  # data are loaded once, before forks that would each do it
    endpoint = plan.study.endpoint
    seeds = [(cell, seed) for cell in plan.cells for seed in cell.study.seeds]
    work: list[Callable[[], Any]] = [
        partial(frontier_of, plan, plan.study.reference_strategy, store, device),
        *(partial(_cell, Finished(cell, store, device, records)) for cell in plan.cells),
        *(partial(score_seed, cell, seed, store, device) for cell, seed in seeds),
    ]
    frontier, *found = in_parallel(work, None if device == "cpu" and len(records) >= MANY else 1)
    digested, scored = found[: len(plan.cells)], found[len(plan.cells) :]
    write_results(plan, store, scored)
    clients = [
        gather_clients(scores for (of, _), scores in zip(seeds, scored, strict=True) if of is cell)
        for cell in plan.cells
    ]
    compared = [found for _, found, _ in digested if found is not None]
    contests = [contest for _, _, contest in digested if contest is not None]
    result = Digest(
        opened=opened,
        crowd=crowd,
        records=records,
        cells=[replace(cell, clients=own) for (cell, _, _), own in zip(digested, clients, strict=True)],
        conclusions=conclude(compared, endpoint, len(plan.cells)) if endpoint and compared else [],
        missing=len(plan.runs) - len(records),
        seconds=seconds_of([run for run in plan.runs if run.key in records], store),
        people=crowd_of(load_dataset(plan.study.dataset)),
        strategies=compare_strategies(plan.study, contests),
        frontier=frontier,
    )
    write_tables(store.root, plan.study, result.cells, result.conclusions)
    if result.strategies:
        write_strategies(store.root, result.strategies)
    if result.frontier:
        write_frontier(store.root, result.frontier)
    return result


def _crowd_name(cells: Sequence[Cell]) -> str:
    """What to call the people behind the votes of all cells, whose data may be several."""
    choices = dict.fromkeys(cell.study.dataset for cell in cells)
    names = {data.crowd_name for data in map(load_dataset, choices) if data.votes is not None}
    if len(names) > 1:
        return "people, some of them simulated"
    return names.pop() if names else "no votes"


def _cell(finished: Finished) -> tuple[CellDigest, Compared | None, Contest | None]:
    """One cell's digest, the endpoint's pair in it, and its strategies' contest; None without results."""
    cell = finished.cell
    gathered = {
        name: gather(cell, name, finished.store, finished.device) for name in labels(cell.study.strategies)
    }
    whole = {name: values for name, values in gathered.items() if values is not None}
    found, endpoint = _digest_cell(finished, whole), cell.study.endpoint
    contest = contest_of(finished, list(whole))
    if endpoint is None or endpoint.strategy not in whole:
        return found, None, contest
    obstacle = find_obstacle(cell.study, found.doses, found.learned, list(found.rests.values()))
    return found, compare(whole[endpoint.strategy], endpoint, cell.axes, obstacle), contest


def _digest_cell(finished: Finished, gathered: dict[str, Values]) -> CellDigest:
    cell, study = finished.cell, finished.cell.study
    sources = labels(study.arms)
    scored: dict[tuple[str, str], list[Score]] = {}
    reliability: Reliability = {}
    curves: dict[tuple[str, str], Curves] = {}
    bounds, split_half = {}, math.nan
    steady: dict[tuple[str, str], Stability] = {}
    known: list[Learned] = []
    primary = _primary(cell, gathered)
    for strategy, values in gathered.items():
        pooled = pool(finished, strategy, values)
        scores = pooled_scores(pooled, values)
        if "vote" in pooled.references:
            if load_dataset(study.dataset).counted:
                scores.append(equal_votes_score(cell, values, pooled.probs))
            if strategy == primary:
                bounds = agreement_bounds(cell, values, pooled.probs)
                split_half = split_half_bound(cell, values)
        for j, source in enumerate(sources):
            scored[strategy, source] = [score._replace(value=score.value[j]) for score in scores]
        reliability |= reliability_of(strategy, values, pooled)
        own = curves_of(finished, strategy, values)
        curves |= own
        steady |= stability(strategy, values, pooled.probs, own, study.baseline)
        known += learned(values, strategy)
    rests: dict[str, Rest] = {}
    pairs: list[Pair] = []
    bought: list[Purchase] = []
    targets = targets_of(finished)
    constants: dict[tuple[str, str], float] = {}
    if primary is not None:
        values = gathered[primary]
        for source in study.pair:
            if rest := rest_of(finished, primary, source, np.unique(values.seed).tolist()):
                rests[source] = rest
        constants = {key: float(found.mean()) for key, found in values.constant.items()}
        pairs = pairs_of(values, primary)
        prices = {
            arm.label(): Price(made.votes_bought, made.seconds, effort(arm, study.baseline))
            for arm in study.arms
            if (made := targets.get(arm.label())) and not (arm.source and arm.source.in_the_clear)
        }
        bought = purchases(values, primary, prices, known, pairs)
    return CellDigest(
        axes=cell.axes,
        study=study,
        estimates=[
            row for name, values in gathered.items() for row in estimate(values, name, study.baselines)
        ],
        pooled=scored,
        reliability=reliability,
        curves=curves,
        targets=targets,
        doses=doses_of(finished),
        holdings=holdings_of(finished),
        atlas=make_atlas(cell, finished.store),
        seconds=finished.seconds,
        losses=finished.losses,
        bytes_sent={name: finished.bytes_sent(name) for name in gathered},
        bounds=bounds,
        split_half=split_half,
        mode_shifts=mode_shift_rates(cell),
        stability=steady,
        learned=known,
        rests=rests,
        pairs=pairs,
        purchases=bought,
        constants=constants,
    )


def _primary(cell: Cell, gathered: dict[str, Values]) -> str | None:
    """The endpoint's strategy; without an endpoint, or without its results, the first that has any."""
    endpoint = cell.study.endpoint
    return endpoint.strategy if endpoint and endpoint.strategy in gathered else next(iter(gathered), None)
