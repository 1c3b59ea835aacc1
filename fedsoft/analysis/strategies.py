"""How a study's strategies compare: with one of them, in rank, in cost, and by luck of the partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.analysis.conclusions import Word
from fedsoft.analysis.contest import Contest, Measure, by_seed, measures_of
from fedsoft.analysis.judgement import Judgement
from fedsoft.config import MARGINS, Study
from fedsoft.evaluation import (
    Crossing,
    Effects,
    GapEffects,
    Share,
    critical_difference,
    decide,
    mean_ranks,
    share_within,
    smallest_detectable,
)
from fedsoft.files import write_csv

REDRAW = "redraw."
"""Axes that only draw chance anew: their cells are one condition, averaged by image and seed."""
PARTITION = "redraw.partition"


@dataclass(frozen=True)
class Versus:
    """A strategy less the reference strategy, on the same images and seeds, in one condition.

    Attributes:
        axes: the values that set the condition apart: the grid's, but for what redraws chance.
        level: the strategy's own loss; of a signed gap, the gap.
        usual: the reference strategy's.
        low: lower end of the interval, Holm-adjusted over strategies and conditions, on which the verdict
            rests.
        high: its upper end.
        verdict: what may be said; where its models are the reference's, that nothing was compared.
        smallest: the smallest difference that the study had an 80 % chance to see, so adjusted.
        unlearned: those of the two whose models are not shown to beat a constant forecast, as the measure
            goes: then there is no verdict.
    """

    axes: dict[str, Any]
    strategy: str
    measure: Measure
    level: float
    usual: float
    estimate: float
    low: float
    high: float
    verdict: Word
    smallest: float
    unlearned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Luck:
    """The partition's share in how much a strategy's difference varies from run to run, in one condition."""

    axes: dict[str, Any]
    strategy: str
    share: Share


@dataclass(frozen=True)
class Comparison:
    """The strategies of a study.

    Attributes:
        source: whose models are compared.
        reference: the strategy that others are compared with.
        strategies: all that have results, in the study's order.
        needs: of each, what it must have at the server.
        rows: every other one less the reference, by measure, then condition.
        ranks: (S,) mean rank by the first measure, over cells, sources and seeds; 1 is best.
        blocks: how many cells × sources × seeds that is the mean of.
        cells: how many cells of the grid, those counted once that only redraw chance.
        data_sets: how many of independent data.
        critical: the difference in ranks that is more than chance, with so many data sets.
        judgements: of the strategies that judge clients, cell by cell.
        luck: by strategy and condition; empty where the partition is not drawn anew.
        seconds: (S,) of compute, that training a run took on average.
        bytes_sent: (S,) that it sent.
        seeds: the fewest of any condition.
    """

    source: str
    reference: str
    strategies: list[str]
    needs: list[str]
    rows: list[Versus]
    ranks: np.ndarray
    blocks: int
    cells: int
    data_sets: int
    critical: float
    judgements: list[Judgement]
    luck: list[Luck]
    seconds: np.ndarray
    bytes_sent: np.ndarray
    seeds: int

    @property
    def measures(self) -> list[Measure]:
        """What they are compared by, the one that ranks are by first."""
        return list(dict.fromkeys(row.measure for row in self.rows))

    @property
    def conditions(self) -> list[dict[str, Any]]:
        """The values that set conditions apart; one that is empty where there is no grid."""
        found: list[dict[str, Any]] = []
        for row in self.rows:
            if row.axes not in found:
                found.append(row.axes)
        return found


@dataclass(frozen=True)
class _Condition:
    """Cells that only redraw chance, as one: (S, cells) by measure, in the mean over draws."""

    axes: dict[str, Any]
    contests: list[Contest]
    values: dict[Measure, np.ndarray]
    unit: np.ndarray
    seed: np.ndarray
    sets: np.ndarray | None

    def crossing(self, inside: np.ndarray) -> Crossing:
        """The cells that a mask (cells,) chooses, ready for values."""
        sets = None if self.sets is None else self.sets[inside]
        return Crossing(self.unit[inside], self.seed[inside], sets=sets)

    def same(self, one: int, other: int) -> bool:
        """Whether two strategies' models forecast the same: all that they score as predicted is equal."""
        raw = [found for measure, found in self.values.items() if measure.view == "raw"]
        return all(np.array_equal(found[one], found[other], equal_nan=True) for found in raw)

    def unlearned(self, measure: Measure, names: Sequence[str]) -> tuple[str, ...]:
        """The strategies of some whose models do not beat the constant forecast in every cell."""
        return tuple(name for name in names if not all(name in one.learned[measure] for one in self.contests))


def compare_strategies(
    study: Study,
    contests: Sequence[Contest],
    reference: str | None = None,
    among: Sequence[str] | None = None,
) -> Comparison | None:
    """Compare strategies over all cells of a study; None where fewer than two have results in all of them.

    Args:
        study: the study.
        contests: its cells.
        reference: the strategy that others are compared with, instead of the study's; equal confidence stays
            that of the study's.
        among: the strategies that are compared, the reference among them; None for all.
    """
    if not contests:
        return None
    names = [name for name in contests[0].strategies if all(name in one.strategies for one in contests)]
    names = names if among is None else [name for name in names if name in among]
    reference = reference or study.reference_strategy
    if len(names) < 2 or reference not in names:
        return None
    conditions = [_condition(some, names) for some in _alike(contests)]
    known = [m for m in measures_of(study) if all(m in condition.values for condition in conditions)]
    if not known:
        return None
    data = list(dict.fromkeys(one.data for one in contests))
    ranks = [
        mean_ranks(np.concatenate([_blocks(one, names) for one in contests if one.data == where]))
        for where in data
    ]
    needs = {strategy.label(): strategy.needs for strategy in study.strategies}
    costs = np.mean(
        [[[one.seconds[i], one.bytes_sent[i]] for i in _places(one, names)] for one in contests], axis=0
    )
    return Comparison(
        source=study.pair[0],
        reference=reference,
        strategies=names,
        needs=[needs[name] for name in names],
        rows=[row for measure in known for row in _against(study, conditions, names, reference, measure)],
        ranks=np.mean(ranks, axis=0),
        blocks=sum(len(one.blocks) for one in contests),
        cells=len(conditions),
        data_sets=len(data),
        critical=critical_difference(len(names), len(data)),
        judgements=[found for one in contests for found in one.judgements],
        luck=[row for one in conditions for row in _luck(one, names, reference, known[0])],
        seconds=costs[:, 0],
        bytes_sent=costs[:, 1],
        seeds=min(len(np.unique(condition.seed)) for condition in conditions),
    )


def _alike(contests: Sequence[Contest]) -> list[list[Contest]]:
    """The contests that differ in what redraws chance alone."""
    found: dict[str, list[Contest]] = {}
    for one in contests:
        found.setdefault(repr(_axes(one)), []).append(one)
    return list(found.values())


def _axes(one: Contest) -> dict[str, Any]:
    return {key: value for key, value in one.axes.items() if not key.startswith(REDRAW)}


def _places(one: Contest, names: Sequence[str]) -> list[int]:
    return [one.strategies.index(name) for name in names]


def _blocks(one: Contest, names: Sequence[str]) -> np.ndarray:
    """(B, S) losses by source and seed of some strategies."""
    return one.blocks[:, _places(one, names)]


def _condition(contests: list[Contest], names: Sequence[str]) -> _Condition:
    """Contests as one, on the images and seeds that all of them have."""
    first = contests[0]
    keys = [one.seed * (max(int(c.image.max()) for c in contests) + 1) + one.image for one in contests]
    shared = reduce(np.intersect1d, keys)
    rows = [np.argsort(key)[np.searchsorted(np.sort(key), shared)] for key in keys]
    values = {
        measure: np.mean(
            [
                one.values[measure][_places(one, names)][:, mine]
                for one, mine in zip(contests, rows, strict=True)
            ],
            axis=0,
        )
        for measure in first.values
        if all(measure in one.values for one in contests)
    }
    return _Condition(_axes(first), contests, values, *_of_cells(first, rows[0]))


def _of_cells(one: Contest, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Unit, seed and set of some cells."""
    return one.unit[rows], one.seed[rows], None if one.sets is None else one.sets[rows]


def _against(
    study: Study, conditions: Sequence[_Condition], names: Sequence[str], reference: str, measure: Measure
) -> list[Versus]:
    """Every strategy less the reference by one measure, in all conditions: one family of tests."""
    place = names.index(reference)
    others = [i for i in range(len(names)) if i != place]
    differences, totals, levels = [], [], []
    barred: list[tuple[bool, tuple[str, ...]]] = []
    for condition in conditions:
        columns = condition.values[measure]
        inside = ~np.isnan(columns[0])
        crossing = condition.crossing(inside)
        mine, usual = columns[others][:, inside], columns[place][inside]
        differences.append(crossing.effects((mine - usual).T).flat())
        totals.append(crossing.effects((mine + usual).T).flat())
        levels += [(float(one.mean()), float(usual.mean())) for one in mine]
        barred += [
            (condition.same(i, place), condition.unlearned(measure, (names[i], names[place]))) for i in others
        ]
    family: Effects | GapEffects = Effects.joined(differences)
    if measure.metric == "signed_gap":
        family = GapEffects(Effects.joined(differences), Effects.joined(totals))
    asked = study.endpoint
    margin = asked.margin_used if asked and measure.metric == asked.metric else MARGINS[measure.metric]
    smallest = smallest_detectable(family.se, family.df, level=0.05 / len(family.estimate))
    which = [(condition.axes, names[i]) for condition in conditions for i in others]
    return [
        Versus(
            axes, name, measure, level, usual, float(value), one.low, one.high,
            _word(one.verdict, same, unlearned), float(least), () if same else unlearned,
        )
        for (axes, name), (level, usual), value, one, least, (same, unlearned) in zip(
            which, levels, family.estimate, decide(family, margin, "lower"), np.asarray(smallest), barred,
            strict=True,
        )
    ]  # fmt: skip


def _word(verdict: Word, same: bool, unlearned: tuple[str, ...]) -> Word:
    """What may be said, the most fundamental first."""
    if same:
        return "nothing was compared"
    return "no verdict" if unlearned else verdict


def _luck(condition: _Condition, names: Sequence[str], reference: str, measure: Measure) -> list[Luck]:
    """The partition's share in the variance of every difference, from seeds that redraw it."""
    drawn = [one.axes.get(PARTITION) for one in condition.contests]
    numbers = list(dict.fromkeys(drawn))
    seeds = reduce(np.intersect1d, [one.seed for one in condition.contests])
    if len(numbers) < 2 or len(seeds) < 2:
        return []
    table = []
    for number in numbers:
        some = [one for one, mine in zip(condition.contests, drawn, strict=True) if mine == number]
        losses = []
        for one in some:
            kept = np.isin(one.seed, seeds)
            columns = one.values[measure][_places(one, names)][:, kept]
            losses.append(by_seed(columns, one.seed[kept], measure.metric))
        table.append(np.mean(losses, axis=0))
    losses_of = np.array(table).transpose(2, 1, 0)  # (S, seeds, partitions)
    usual = losses_of[names.index(reference)]
    return [
        Luck(condition.axes, name, share_within(own - usual))
        for name, own in zip(names, losses_of, strict=True)
        if name != reference
    ]


def write_strategies(root: Path, found: Comparison) -> None:
    """Write every strategy less the reference by measure and condition, beside its rank, needs and costs."""
    axes = list(found.conditions[0])
    columns = [
        *(*axes, "source", "strategy", "reference_strategy", *Measure._fields),
        *("level", "reference_level", "estimate", "low", "high", "verdict", "smallest"),
        *("mean_rank", "needs", "seconds", "bytes_sent"),
        *("partition_share", "partition_share_low", "partition_share_high"),
    ]
    luck = {(repr(one.axes), one.strategy): one.share for one in found.luck}
    first = found.measures[0]

    def row(one: Versus) -> list[Any]:
        place = found.strategies.index(one.strategy)
        share = luck.get((repr(one.axes), one.strategy)) if one.measure == first else None
        return [
            *(*one.axes.values(), found.source, one.strategy, found.reference, *one.measure),
            *(one.level, one.usual, one.estimate, one.low, one.high, one.verdict, one.smallest),
            *(found.ranks[place], found.needs[place], found.seconds[place], found.bytes_sent[place]),
            *(share or ("", "", "")),
        ]

    write_csv(root / "strategies.csv", columns, map(row, found.rows))
