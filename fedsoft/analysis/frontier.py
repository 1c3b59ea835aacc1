"""What privacy takes away: a study's pair at every ε, beside itself in the clear and beside mere softness."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from fedsoft.analysis.conclusions import Word
from fedsoft.analysis.learning import JUDGES, who_learned
from fedsoft.analysis.values import Values, gather_runs
from fedsoft.config import MARGINS, Study
from fedsoft.evaluation import Effects, GapEffects, decide
from fedsoft.files import write_csv
from fedsoft.study.plan import Cell, Plan
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.supervision import NoiseMatched

AXES = ("privacy.labels.epsilon", "privacy.model.epsilon")
"""Keys whose values a frontier goes along: the first of them in the grid."""

Contrast = Literal["advantage", "twins", "toll", "noise", "softness"]
CONTRASTS: tuple[Contrast, ...] = ("advantage", "twins", "toll", "noise", "softness")
"""What is asked at each ε of a source S and its baseline B, both private. ``advantage``: S - B.
``twins``: the same of both in the clear, smoothed as strongly as the noise: an advantage's softness.
``toll``: S - S in the clear (at ε = ∞). ``noise``: S - S so smoothed in the clear.
``softness``: S so smoothed in the clear - S in the clear."""


class Measure(NamedTuple):
    """What is compared."""

    view: str
    reference: str
    metric: str


GOALS = (("label", "brier"), ("vote", "brier"), ("vote", "nll"))
"""What forecasts are for, by reference and metric."""
GAP = Measure("raw", "label", "signed_gap")


def measures_of(contrast: Contrast) -> list[Measure]:
    """What a contrast is measured by: levels of confidence are shared by arms of one ε alone."""
    views = ["raw", "own_temperature"]
    if contrast == "advantage":
        views += ["equal_confidence", "calibrated_confidence"]
    return [GAP, *(Measure(view, *goal) for goal in GOALS for view in views)]


@dataclass(frozen=True)
class Point:
    """One contrast at one ε (an advantage at ε = ∞ too).

    Its interval is Holm-adjusted over all points of its contrast and measure.

    Attributes:
        rest: the other values that set the cell apart.
        epsilon: of the axis.
        source: what is compared, in words.
        against: with what.
        level: of the one, by the measure.
        usual: of the other.
        verdict: what may be said; ``no verdict`` where either has not learned.
        seeds: how many both have.
    """

    contrast: Contrast
    rest: dict[str, Any]
    epsilon: float
    source: str
    against: str
    measure: Measure
    level: float
    usual: float
    estimate: float
    low: float
    high: float
    verdict: Word
    seeds: int


@dataclass(frozen=True)
class Frontier:
    """What privacy takes away along one axis of the grid.

    Attributes:
        axis: the key.
        values: its values, ascending.
        rests: the combinations of the other axes.
        points: every contrast at every ε.
    """

    axis: str
    values: list[float]
    rests: list[dict[str, Any]]
    points: list[Point]

    def at(self, contrast: Contrast, rest: dict[str, Any], measure: Measure) -> list[Point]:
        """One contrast along the axis, by ascending ε."""
        return [
            one
            for one in self.points
            if one.contrast == contrast and one.rest == rest and one.measure == measure
        ]


def axis_of(study: Study) -> str | None:
    """The axis of a study's frontier; None where its grid has none, of two values or more."""
    return next((axis for axis in AXES if len(study.grid.get(axis, ())) > 1), None)


def frontier_of(plan: Plan, strategy: str, store: Store, device: str) -> Frontier | None:
    """The frontier of a study's pair under a strategy, over the seeds whose runs are all done.

    Returns:
        None where the grid has no axis of ε, or nothing has finished.
    """
    axis = axis_of(plan.study)
    if axis is None:
        return None
    rests: list[dict[str, Any]] = []
    for cell in plan.cells:
        if (rest := rest_of(cell.axes, axis)) not in rests:
            rests.append(rest)
    held: list[_Held] = []
    for rest in rests:
        line = [
            _Arms.of(cell, axis, strategy, store) for cell in plan.cells if rest_of(cell.axes, axis) == rest
        ]
        for arms in line:
            held += _within(arms, store, device)
        held += _along(sorted(line, key=lambda arms: arms.epsilon), store, device)
    points = [
        point
        for contrast in CONTRASTS
        for measure in measures_of(contrast)
        for point in _points([one for one in held if one.contrast == contrast], measure)
    ]
    return Frontier(axis, sorted(plan.study.grid[axis]), rests, points) if points else None


@dataclass(frozen=True)
class _Held:
    """Two arms held against each other at one ε, as places in values."""

    contrast: Contrast
    rest: dict[str, Any]
    epsilon: float
    values: Values
    one: int
    other: int
    learned: dict[tuple[str, str, str], list[str]]

    def both_learned(self, measure: Measure) -> bool:
        """Whether both beat the constant forecast."""
        beat = self.learned[measure.view, measure.reference, JUDGES[measure.metric]]
        return self.values.sources[self.one] in beat and self.values.sources[self.other] in beat


def rest_of(axes: dict[str, Any], axis: str) -> dict[str, Any]:
    """The values that set a cell apart, but for the one along the axis."""
    return {key: value for key, value in axes.items() if key != axis}


@dataclass(frozen=True)
class _Arms:
    """What of a cell a frontier is made of: runs, one a seed, of arms of which all are done; else None.

    Attributes:
        source: of the pair's source.
        baseline: of its baseline.
        source_twin: of the source's twin, in the clear and smoothed as strongly as the noise.
        baseline_twin: of the baseline's.
    """

    cell: Cell
    rest: dict[str, Any]
    epsilon: float
    source: list[RunSettings] | None
    baseline: list[RunSettings] | None
    source_twin: list[RunSettings] | None
    baseline_twin: list[RunSettings] | None

    @classmethod
    def of(cls, cell: Cell, axis: str, strategy: str, store: Store) -> "_Arms":
        """Of a cell, under a strategy."""
        arms: dict[str, list[RunSettings]] = {}
        for run in cell.runs:
            if run.strategy.label() == strategy:
                arms.setdefault(run.arm.label(), []).append(run)
        done = {label: runs for label, runs in arms.items() if all(store.is_done(run.key) for run in runs)}
        twins = {
            runs[0].source.of.label(): runs
            for runs in done.values()
            if isinstance(runs[0].source, NoiseMatched)
        }
        source, baseline = cell.study.pair
        pair = done.get(source), done.get(baseline), twins.get(source), twins.get(baseline)
        return cls(cell, rest_of(cell.axes, axis), float(cell.axes[axis]), *pair)


def _within(arms: _Arms, store: Store, device: str) -> Iterator[_Held]:
    """What is held against each other at one ε: the pair, and where anything is private its twins."""
    asked: list[tuple[Contrast, list[RunSettings] | None, list[RunSettings] | None]] = [
        ("advantage", arms.source, arms.baseline)
    ]
    if math.isfinite(arms.epsilon):
        asked.append(("twins", arms.source_twin, arms.baseline_twin))
    for contrast, one, other in asked:
        if one and other:
            names = [one[0].arm.label(), other[0].arm.label()]
            if values := gather_runs(arms.cell, [*one, *other], names, 1, store, device):
                yield _Held(contrast, arms.rest, arms.epsilon, values, 0, 1, who_learned(values))


def _along(line: Sequence[_Arms], store: Store, device: str) -> Iterator[_Held]:
    """What is held against the source in the clear, and against its twin: at every finite ε of a line."""
    wanted: list[RunSettings] = []
    place: dict[tuple[str, float], int] = {}
    names: list[str] = []
    for arms in line:
        for role, runs in (("private", arms.source), ("smoothed", arms.source_twin)):
            if runs and (role == "private" or math.isfinite(arms.epsilon)):
                place[role, arms.epsilon] = len(names)
                names.append(_at(runs[0].arm.label(), arms.epsilon))
                wanted += runs
    clear = place.get(("private", math.inf))
    values = None if clear is None else gather_runs(line[0].cell, wanted, names, clear, store, device)
    if values is None or clear is None:
        return
    learned = who_learned(values)
    for arms in line:
        private, smoothed = (
            place.get((role, arms.epsilon)) if math.isfinite(arms.epsilon) else None
            for role in ("private", "smoothed")
        )
        asked: list[tuple[Contrast, int | None, int | None]] = [
            ("toll", private, clear),
            ("noise", private, smoothed),
            ("softness", smoothed, clear),
        ]
        for contrast, one, other in asked:
            if one is not None and other is not None:
                yield _Held(contrast, arms.rest, arms.epsilon, values, one, other, learned)


def _at(label: str, epsilon: float) -> str:
    return f"{label} at ε = {'∞' if math.isinf(epsilon) else f'{epsilon:g}'}"


def _points(held: Sequence[_Held], measure: Measure) -> list[Point]:
    """One contrast by one measure at every ε of every setting: one family of tests."""
    held = [one for one in held if measure in one.values.values]
    if not held:
        return []
    differences, totals, levels = [], [], []
    for each in held:
        columns = each.values.values[measure]
        combine = np.zeros((2, len(columns)))
        combine[0, [each.one, each.other]] = 1, -1
        combine[1, [each.one, each.other]] = 1, 1
        both = each.values.crossing().effects(columns.T, None, combine, each.values.judged(measure)).flat()
        differences.append(both.part([0]))
        totals.append(both.part([1]))
        levels.append((float(columns[each.one].mean()), float(columns[each.other].mean())))
    family: Effects | GapEffects = Effects.joined(differences)
    if measure.metric == "signed_gap":
        family = GapEffects(Effects.joined(differences), Effects.joined(totals))
    return [
        Point(
            each.contrast, each.rest, each.epsilon, each.values.sources[each.one],
            each.values.sources[each.other], measure, *level, float(estimate), decision.low, decision.high,
            decision.verdict if each.both_learned(measure) else "no verdict", family.seeds,
        )
        for each, level, estimate, decision in zip(
            held, levels, family.estimate, decide(family, MARGINS[measure.metric], "lower"), strict=True
        )
    ]  # fmt: skip


def write_frontier(root: Path, found: Frontier) -> None:
    """Write every contrast at every ε by every measure."""
    axes = list(found.rests[0])
    columns = [found.axis, *axes, "contrast", "source", "against", *Measure._fields]
    columns += ["level", "against_level", "estimate", "low", "high", "verdict", "seeds"]
    write_csv(
        root / "frontier.csv",
        columns,
        (
            [
                one.epsilon, *(one.rest[axis] for axis in axes), one.contrast, one.source, one.against,
                *one.measure, one.level, one.usual, one.estimate, one.low, one.high, one.verdict, one.seeds,
            ]
            for one in found.points
        ),
    )  # fmt: skip
