"""From stored predictions to levels, effects and conclusions, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedsoft.config import Endpoint
from fedsoft.evaluation import (
    METRICS,
    Effects,
    holm_interval,
    onehot,
    smallest_detectable,
    two_way_bootstrap,
    verdict,
)
from fedsoft.streams import stream
from fedsoft.study.effects import effects_of, example_values, views
from fedsoft.study.plan import Cell, labels
from fedsoft.study.prepare import client_labels, load_dataset
from fedsoft.study.results import test_fold
from fedsoft.study.store import Store

HARDEST, REST, CONTRAST = "hardest_fifth", "rest", "hardest_fifth − rest"
"""The headline contrast: what happens on hard examples beyond what happens everywhere else."""


@dataclass(frozen=True)
class Values:
    """Per-example values of the runs of one strategy: what every interval is computed from.

    A cell is an image that was held out in a seed.

    Attributes:
        sources: J labels.
        values: (J, cells) by (view, reference, metric).
        image: (cells,) dataset row.
        seed: (cells,) seed.
        strata: boolean (cells,) by name.
    """

    sources: list[str]
    values: dict[tuple[str, str, str], np.ndarray]
    image: np.ndarray
    seed: np.ndarray
    strata: dict[str, np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A level of one source, or an effect, with its 95 % interval.

    Attributes:
        name: the source's label, or the effect's name.
        formula: empty for a level; for an effect the sources it combines.
        p: two-sided p value of no effect, unadjusted; NaN for a level.
    """

    strategy: str
    name: str
    formula: str
    view: str
    reference: str
    metric: str
    stratum: str
    estimate: float
    low: float
    high: float
    p: float


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


def gather(cell: Cell, strategy: str, store: Store, device: str) -> Values | None:
    """Per-example values of all sources under one strategy, over the seeds whose runs are all done.

    Returns:
        None if there is no such seed.
    """
    parts: dict[tuple[str, str, str], list[np.ndarray]] = {}
    images, seeds, strata = [], [], []
    for seed in cell.study.seeds:
        runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == strategy]
        if not all(store.is_done(run.key) for run in runs):
            continue
        made = [store.predictions(run.key) for run in runs]
        fold = test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)
        validation, truth = None, None
        if "validation" in made[0]:
            data = load_dataset(runs[0].dataset)
            validation = stack(made, "validation", device)
            known = client_labels(runs[0], data)[made[0]["validation_rows"]]
            truth = onehot(torch.from_numpy(known).to(device), data.classes)
        for view, probs in views(stack(made, "test", device), validation, truth).items():
            for name, reference in fold.references.items():
                for metric, values in example_values(probs, reference).items():
                    parts.setdefault((view, name, metric), []).append(values.cpu().numpy())
        images.append(fold.rows)
        seeds.append(np.full(len(fold.rows), seed))
        strata.append({name: mask.cpu().numpy() for name, mask in fold.strata.items()})
    if not images:
        return None
    return Values(
        labels(cell.study.arms),
        {key: np.concatenate(part, axis=1) for key, part in parts.items()},
        np.concatenate(images),
        np.concatenate(seeds),
        {name: np.concatenate([part[name] for part in strata]) for name in strata[0]},
    )


def stack(made: Sequence[dict[str, np.ndarray]], part: str, device: str) -> Tensor:
    """One part of the predictions of several runs, (J, N, C) float64."""
    return torch.from_numpy(np.stack([predictions[part] for predictions in made])).to(device).double()


def estimate(values: Values, strategy: str, baseline: str) -> list[Estimate]:
    """Every level and effect by view, reference, metric and stratum, and the headline contrast of each."""
    J, keys = len(values.sources), list(values.values)
    effects = effects_of(values.sources, baseline)
    names = [(source, "") for source in values.sources] + [(e.name, e.formula) for e in effects]
    combinations = np.vstack([np.eye(J), *(effect.coefficients for effect in effects)])
    groups = {"all": np.ones(len(values.image)), **values.strata}
    if HARDEST in groups:
        groups[REST] = ~values.strata[HARDEST]
    wanted = np.eye(len(groups))
    strata = list(groups)
    if HARDEST in groups:
        wanted = np.vstack([wanted, wanted[strata.index(HARDEST)] - wanted[strata.index(REST)]])
        strata.append(CONTRAST)
    found = two_way_bootstrap(
        np.concatenate([values.values[key] for key in keys]).T,
        values.image,
        values.seed,
        stream("bootstrap"),
        weight=np.stack([np.asarray(mask, dtype=float) for mask in groups.values()], axis=1),
        # Columns stand by group, then key, then source.
        contrasts=np.kron(wanted, np.kron(np.eye(len(keys)), combinations)),
        draws=500,
    )
    low, high = found.interval()
    rows = [(stratum, key, name) for stratum in strata for key in keys for name in names]
    p_values = np.where([bool(formula) for *_, (_, formula) in rows], found.p_values, np.nan)
    numbers = zip(found.estimate.tolist(), low.tolist(), high.tolist(), p_values.tolist(), strict=True)
    return [
        Estimate(strategy, name, formula, *key, stratum, *row)
        for (stratum, key, (name, formula)), row in zip(rows, numbers, strict=True)
    ]


def conclude(cells: Sequence[tuple[Cell, Values]], endpoint: Endpoint) -> list[Conclusion]:
    """The verdict on the endpoint in every cell of the grid, Holm-adjusted over the cells."""
    found: list[Effects] = []
    levels: list[float] = []
    for _, values in cells:
        place = [values.sources.index(endpoint.source), values.sources.index(endpoint.baseline)]
        column = values.values[endpoint.view, endpoint.reference, endpoint.metric]
        mask = np.ones(len(values.image)) if endpoint.stratum == "all" else values.strata[endpoint.stratum]
        found.append(
            two_way_bootstrap(
                (column[place[0]] - column[place[1]])[:, None],
                values.image,
                values.seed,
                stream("bootstrap"),
                weight=np.asarray(mask, dtype=float)[:, None],
                draws=2000,
            )
        )
        levels.append(float(column[place[1]][np.asarray(mask, dtype=bool)].mean()))
    family = Effects(
        np.concatenate([effects.estimate for effects in found]),
        np.concatenate([effects.se for effects in found]),
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
