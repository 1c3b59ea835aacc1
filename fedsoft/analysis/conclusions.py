"""The verdict on the endpoint in every cell of the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.analysis.values import Values
from fedsoft.config import Endpoint
from fedsoft.evaluation import (
    METRICS,
    Effects,
    crossed_effects,
    holm_interval,
    smallest_detectable,
    verdict,
)
from fedsoft.study.plan import Cell


@dataclass(frozen=True)
class Conclusion:
    """What may be said of the endpoint in one cell of the grid, its interval Holm-adjusted over cells."""

    axes: dict[str, Any]
    estimate: float
    low: float
    high: float
    baseline: float
    verdict: str
    smallest: float
    seeds: int


def conclude(cells: Sequence[tuple[Cell, Values]], endpoint: Endpoint) -> list[Conclusion]:
    """The verdict on the endpoint in every cell of the grid, Holm-adjusted over the cells."""
    found: list[Effects] = []
    levels: list[float] = []
    for _, values in cells:
        place = [values.sources.index(endpoint.source), values.sources.index(endpoint.baseline)]
        column = values.values[endpoint.view, endpoint.reference, endpoint.metric]
        every = np.ones(len(values.image), dtype=bool)
        mask = every if endpoint.stratum == "all" else values.strata[endpoint.stratum]
        found.append(
            crossed_effects(
                (column[place[0]] - column[place[1]])[:, None],
                values.image,
                values.seed,
                mask[:, None],
            )
        )
        levels.append(float(column[place[1]][mask].mean()))
    family = Effects(
        np.concatenate([effects.estimate.ravel() for effects in found]),
        np.concatenate([effects.se.ravel() for effects in found]),
        min(effects.df for effects in found),
        min(effects.seeds for effects in found),
    )
    low, high = holm_interval(family)
    better = METRICS.get(endpoint.metric).better
    return [
        Conclusion(
            axes=cell.axes,
            estimate=float(family.estimate[n]),
            low=float(low[n]),
            high=float(high[n]),
            baseline=levels[n],
            verdict=verdict(float(low[n]), float(high[n]), endpoint.margin_used, better, levels[n]),
            smallest=float(smallest_detectable(family.se[n], family.df, level=0.05 / len(cells))),
            seeds=family.seeds,
        )
        for n, (cell, _) in enumerate(cells)
    ]
