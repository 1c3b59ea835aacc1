"""From stored predictions to levels, effects and conclusions, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedsoft.config import Endpoint
from fedsoft.evaluation import (
    ECE,
    METRICS,
    Crossing,
    Effects,
    crossed_effects,
    holm_interval,
    margin_strata,
    onehot,
    smallest_detectable,
    verdict,
)
from fedsoft.streams import stream
from fedsoft.study.derive import drawn_votes
from fedsoft.study.effects import effects_of, seed_values
from fedsoft.study.plan import Cell, labels
from fedsoft.study.prepare import client_labels, load_dataset
from fedsoft.study.results import predictions_of, test_fold
from fedsoft.study.store import Store

HARDEST, REST, CONTRAST = "hardest_fifth", "rest", "hardest_fifth − rest"
"""The headline contrast: what happens on hard examples beyond what happens everywhere else."""
REFERENCE_MODEL = "hard"

MARGIN, MARGIN_REST, MARGIN_CONTRAST = "smallest_margin", "larger_margin", "smallest_margin − rest"
"""The same, where a model finds it hard: the fifth of smallest margin, top less second probability."""

CONTRASTS = ((HARDEST, REST, CONTRAST), (MARGIN, MARGIN_REST, MARGIN_CONTRAST))


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

    Strata are those of people's votes and, where other seeds held out every test image too, the fifth of
    each seed's images with the smallest margin: see `smallest_margin`.

    Returns:
        None if there is no such seed.
    """
    parts: dict[tuple[str, str, str], list[np.ndarray]] = {}
    images, seeds, strata = [], [], []
    models: dict[int, tuple[np.ndarray, Tensor]] = {}
    sources = labels(cell.study.arms)
    for seed in cell.study.seeds:
        runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == strategy]
        if not all(store.is_done(run.key) for run in runs):
            continue
        made = predictions_of(runs, store, ("test", "validation"))
        fold = test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)
        validation, truth, votes = None, None, None
        if "validation" in made[0]:
            data, rows = load_dataset(runs[0].dataset), made[0]["validation_rows"]
            validation = stack(made, "validation", device)
            known = client_labels(runs[0], data)[rows]
            truth = onehot(torch.from_numpy(known).to(device), data.classes)
            if data.votes is not None:
                votes = onehot(torch.from_numpy(drawn_votes(runs[0], rows)).to(device), data.classes)
        found = seed_values(stack(made, "test", device), validation, truth, fold.references, votes)
        for key, values in found.items():
            parts.setdefault(key, []).append(values.cpu().numpy())
        images.append(fold.rows)
        seeds.append(np.full(len(fold.rows), seed))
        strata.append({name: mask.cpu().numpy() for name, mask in fold.strata.items()})
        if REFERENCE_MODEL in sources:
            models[seed] = fold.rows, stack(made, "test", "cpu")[sources.index(REFERENCE_MODEL)]
    if not images:
        return None
    for part, mask in zip(strata, smallest_margin(models), strict=False):  # of no masks, none is added
        part[MARGIN] = mask
    return Values(
        sources,
        {key: np.concatenate(parts.pop(key), axis=1) for key in list(parts)},  # never twice in memory
        np.concatenate(images),
        np.concatenate(seeds),
        {name: np.concatenate([part[name] for part in strata]) for name in strata[0]},
    )


def smallest_margin(models: dict[int, tuple[np.ndarray, Tensor]]) -> list[np.ndarray]:
    """Whether each test image of each seed is in the fifth of smallest margin; nothing without other seeds.

    The margin is that of the mean prediction of the reference model in the *other* seeds that held the image
    out too: a run's own margin would pick the images on which it happens to be wrong. Where a test image of
    any seed has no such prediction there is no stratum, since its complement would mean different things.

    Args:
        models: by seed its test images (N,) and the reference model's predictions (N, C) on them.
    """
    masks = []
    for seed, (rows, probs) in models.items():
        total, times = torch.zeros_like(probs), torch.zeros(len(rows), 1, dtype=probs.dtype)
        for other, (other_rows, other_probs) in models.items():
            if other != seed:
                _, here, there = np.intersect1d(rows, other_rows, assume_unique=True, return_indices=True)
                total[here] += other_probs[there]
                times[here] += 1
        if not times.all():
            return []
        fifths = margin_strata(total / times, stream("margin strata", seed=seed))
        masks.append(fifths["margin_fifth_1"].numpy())
    return masks


def stack(made: Sequence[dict[str, np.ndarray]], part: str, device: str) -> Tensor:
    """One part of the predictions of several runs, (J, N, C) float64."""
    return torch.from_numpy(np.stack([predictions[part] for predictions in made])).to(device).double()


def estimate(values: Values, strategy: str, baseline: str) -> list[Estimate]:
    """Every level and effect by view, reference, metric and stratum, and the headline contrasts of each."""
    effects = effects_of(values.sources, baseline)
    names = [(source, "") for source in values.sources] + [(e.name, e.formula) for e in effects]
    combine = np.vstack([np.eye(len(values.sources)), *(effect.coefficients for effect in effects)])
    groups, across = _strata(values)
    crossing = Crossing(values.image, values.seed, np.stack(list(groups.values()), axis=1))
    has_formula = np.array([bool(formula) for _, formula in names])
    rows = []
    for key, columns in values.values.items():
        found = crossing.effects(columns.T, np.stack(list(across.values())), combine)
        low, high = found.interval()
        p_values = np.where(has_formula, found.p_values, np.nan)
        numbers = np.stack([found.estimate, low, high, p_values], axis=-1).tolist()
        rows += [
            Estimate(strategy, name, formula, *key, stratum, *row)
            for stratum, part in zip(across, numbers, strict=True)
            for (name, formula), row in zip(names, part, strict=True)
        ]
    return rows + _ece(values, strategy)


def _ece(values: Values, strategy: str) -> list[Estimate]:
    """ECE of each source as predicted, on all examples of all seeds together."""
    rows = []
    for reference in dict.fromkeys(reference for _, reference, _ in values.values):
        gap, hit = (values.values.get(("raw", reference, metric)) for metric in ("signed_gap", "accuracy"))
        if gap is None or hit is None:
            continue
        shares = ECE().contributions(torch.from_numpy(gap + hit), torch.from_numpy(hit)).numpy()
        found = crossed_effects(shares.T, values.image, values.seed)
        numbers = np.vstack([found.estimate, *found.interval()]).T.tolist()
        rows += [
            Estimate(strategy, source, "", "raw", reference, "ece", "all", level, low, high, np.nan)
            for source, (level, low, high) in zip(values.sources, numbers, strict=True)
        ]
    return rows


def _strata(values: Values) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Masks by name, and the wanted combinations of their means: each, and what is hard less the rest."""
    groups = {"all": np.ones(len(values.image), dtype=bool), **values.strata}
    contrasts = [(hard, rest, name) for hard, rest, name in CONTRASTS if hard in groups]
    groups |= {rest: ~groups[hard] for hard, rest, _ in contrasts}
    unit = dict(zip(groups, np.eye(len(groups)), strict=True))
    return groups, unit | {name: unit[hard] - unit[rest] for hard, rest, name in contrasts}


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
