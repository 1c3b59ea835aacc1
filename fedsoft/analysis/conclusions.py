"""The verdict on the endpoint in every cell of the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fedsoft.analysis.comparison import Compared, Obstacle
from fedsoft.config import Endpoint
from fedsoft.evaluation import METRICS, Effects, GapEffects, Verdict, decide, smallest_detectable

Word = Verdict | Literal["no verdict", "nothing was compared"]


@dataclass(frozen=True)
class Conclusion:
    """What may be said of the endpoint in one cell of the grid.

    Attributes:
        axes: the values that set the cell apart.
        estimate: source less baseline; for a signed gap, of its size.
        low: lower end of the interval, Holm-adjusted over cells, on which the verdict rests.
        high: its upper end.
        verdict: what may be said.
        obstacle: why there is no verdict.
        smallest: the smallest effect that this study had an 80 % chance to see.
        seeds: number of seeds, or of sets of people that seeds share.
        disagree: references other than the endpoint's by which the effect has the other sign, beyond doubt
            (95 % interval, unadjusted), with their estimates and intervals.
    """

    axes: dict[str, Any]
    estimate: float
    low: float
    high: float
    verdict: Word
    obstacle: Obstacle | None
    smallest: float
    seeds: int
    disagree: dict[str, tuple[float, float, float]]


def conclude(cells: Sequence[Compared], endpoint: Endpoint, planned: int = 1) -> list[Conclusion]:
    """The verdict on the endpoint in every cell of the grid.

    Adjusted for as many cells as were planned, whether or not they have results or can have a verdict: a
    cell that fails makes the others no surer.
    """
    planned = max(planned, len(cells))
    better = METRICS.get(endpoint.metric).better
    judged = [cell for cell in cells if cell.obstacle is None]
    family = _together([cell.effect for cell in judged or cells], planned)
    decisions = iter(decide(family, endpoint.margin_used, better) if judged else ())
    found = []
    for cell in cells:
        estimate, (low, high) = float(cell.effect.estimate[0]), cell.effect.interval()
        verdict: Word = "nothing was compared"
        if cell.obstacle is None:
            decision = next(decisions)
            verdict, low, high = decision.verdict, np.array([decision.low]), np.array([decision.high])
        elif cell.obstacle.kind != "nothing compared":
            verdict = "no verdict"
        smallest = smallest_detectable(cell.effect.se[0], cell.effect.df, level=0.05 / planned)
        found.append(
            Conclusion(
                axes=cell.axes,
                estimate=estimate,
                low=float(low[0]),
                high=float(high[0]),
                verdict=verdict,
                obstacle=cell.obstacle,
                smallest=float(smallest),
                seeds=cell.effect.seeds,
                disagree=_disagree(cell),
            )
        )
    return found


def _disagree(cell: Compared) -> dict[str, tuple[float, float, float]]:
    found = {}
    for reference, effect in cell.elsewhere.items():
        (low,), (high,) = (end.tolist() for end in effect.interval())
        sure = low > 0 or high < 0, bool(cell.effect.p_values[0] < 0.05)
        if all(sure) and effect.estimate[0] * cell.effect.estimate[0] < 0:
            found[reference] = float(effect.estimate[0]), low, high
    return found


def _together(effects: Sequence[Effects | GapEffects], size: int) -> Effects | GapEffects:
    """Effects (1,) of several cells as one family (size,), with the fewest seeds of any; each has its own df.

    Of cells that are missing nothing is known: their effects have p values of 1.
    """
    if all(isinstance(effect, GapEffects) for effect in effects):
        gaps = [effect for effect in effects if isinstance(effect, GapEffects)]
        difference, total = ([getattr(gap, part) for gap in gaps] for part in ("difference", "total"))
        return GapEffects(_family(difference, size), _family(total, size))
    return _family([effect for effect in effects if isinstance(effect, Effects)], size)


def _family(effects: Sequence[Effects], size: int) -> Effects:
    missing = size - len(effects)
    return Effects(
        np.concatenate([*(effect.estimate for effect in effects), np.zeros(missing)]),
        np.concatenate([*(effect.se for effect in effects), np.full(missing, np.inf)]),
        np.array([effect.df for effect in effects] + [np.inf] * missing),
        min(effect.seeds for effect in effects),
    )
