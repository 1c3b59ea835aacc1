"""The endpoint's pair in one cell of the grid: its effect, and what stands in the way of a verdict on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.analysis.effects import HALF, VIEW_NAMES
from fedsoft.analysis.learning import JUDGES, Learned, Rest
from fedsoft.analysis.values import Key, Values
from fedsoft.config import Arm, Endpoint, Study
from fedsoft.evaluation import Effects, GapEffects

NAMES = {"brier": "Brier score", "nll": "NLL"}
AGAINST = {"label": "the label", "mode": "the votes' mode", "vote": "a vote"}
"""What predictions are measured against."""


@dataclass(frozen=True)
class Obstacle:
    """Why nothing may be concluded, and what to change.

    Attributes:
        kind: ``nothing compared``, ``not learned`` or ``not at rest``.
        why: a clause that says so, with its figures.
        mend: a clause that says what to change.
    """

    kind: str
    why: str
    mend: str


@dataclass(frozen=True)
class Compared:
    """What the endpoint's pair shows in one cell, before the cells are judged together.

    Attributes:
        axes: the values that set the cell apart.
        effect: source less baseline (1,); for a signed gap, of its size.
        elsewhere: the same effect against the other references.
        obstacle: why there is no verdict, or None.
    """

    axes: dict[str, Any]
    effect: Effects | GapEffects
    elsewhere: dict[str, Effects | GapEffects]
    obstacle: Obstacle | None


def compare(values: Values, endpoint: Endpoint, axes: dict[str, Any], obstacle: Obstacle | None) -> Compared:
    """The endpoint's pair in a cell, by the values of its strategy's runs."""
    place = [values.sources.index(endpoint.source), values.sources.index(endpoint.baseline)]
    everything = endpoint.stratum == "all"
    mask = np.ones(len(values.image), dtype=bool) if everything else values.strata[endpoint.stratum]
    crossing = values.crossing(mask[:, None])

    def combined(reference: str, sign: int) -> Effects:
        key: Key = (endpoint.view, reference, endpoint.metric)
        key = key if everything else values.within(key)

        def both(found: np.ndarray) -> np.ndarray:
            source, baseline = found[place]
            return np.asarray(source + sign * baseline)[None]

        return crossing.effects(both(values.values[key]).T, judged=values.judged(key, both)).flat()

    def effect(reference: str) -> Effects | GapEffects:
        if endpoint.metric != "signed_gap":
            return combined(reference, -1)
        return GapEffects(combined(reference, -1), combined(reference, 1))

    others = {
        reference
        for view, reference, metric in values.values
        if (view, metric) == (endpoint.view, endpoint.metric) and reference not in (HALF, endpoint.reference)
    }
    return Compared(
        axes,
        effect(endpoint.reference),
        {reference: effect(reference) for reference in sorted(others)},
        obstacle,
    )


def find_obstacle(
    study: Study,
    doses: Mapping[str, np.ndarray],
    learned: Sequence[Learned],
    rests: Sequence[Rest],
) -> Obstacle | None:
    """What stands in the way of a verdict on the endpoint in a cell, the most fundamental first.

    Args:
        study: the cell's, with an endpoint.
        doses: (J, J) by stratum.
        learned: the cell's sources against the constant forecast.
        rests: of the endpoint's pair.
    """
    endpoint = study.endpoint
    assert endpoint is not None
    arms = {arm.label(): arm for arm in study.arms}
    pair = endpoint.source, endpoint.baseline
    if same_targets(arms, doses["all"], *pair):
        return Obstacle(
            "nothing compared",
            f"{pair[0]} and {pair[1]} train on the same targets, so nothing was compared, and the votes that "
            "either took were paid for nothing",
            "compare sources whose targets differ (their dose is not 0)",
        )
    judge = JUDGES[endpoint.metric]
    failing = [
        row
        for row in learned
        if (row.strategy, row.view, row.reference, row.metric)
        == (endpoint.strategy, endpoint.view, endpoint.reference, judge)
        and row.source in pair
        and not row.beats_constant
    ]
    if failing:
        figures = " and ".join(f"{row.constant + row.estimate:.3f} for {row.source}" for row in failing)
        why = "these models have not learned: a constant forecast does as well"
        if all(row.may_have_learned for row in failing):
            why = (
                "these models are not shown to have learned: that they beat a constant forecast may be chance"
            )
        return Obstacle(
            "not learned",
            f"{why} ({NAMES[judge]} against {AGAINST[endpoint.reference]}, {VIEW_NAMES[endpoint.view]}: "
            f"{failing[0].constant:.3f} for a constant forecast, {figures})",
            "train for more rounds or at another learning rate, and check that inputs tell classes apart",
        )
    moving = [rest for rest in rests if not rest.at_rest]
    if moving:
        worst = max(moving, key=lambda rest: rest.fall)
        return Obstacle(
            "not at rest",
            f"training had not come to rest: the validation Brier score of {worst.source} still fell by "
            f"{worst.fall:.3f} in the last {'round' if worst.rounds == 1 else f'{worst.rounds} rounds'}",
            "raise rounds or the learning rate",
        )
    return None


def same_targets(arms: Mapping[str, Arm], doses: np.ndarray, one: str, other: str) -> bool:
    """Whether two arms train in the same way on the same targets, so that nothing tells them apart.

    Args:
        arms: all of the study's, by label.
        doses: (J, J) between their targets, in their order.
        one: an arm's label.
        other: another's.
    """
    names = list(arms)
    return bool(doses[names.index(one), names.index(other)] == 0) and _alike(arms[one], arms[other])


def _alike(one: Arm, other: Arm) -> bool:
    """Whether two arms differ in their source alone."""
    if one.source is None or other.source is None:
        return False
    return one.model_copy(update={"source": other.source}) == other and (
        one.source.delivery == other.source.delivery
    )
