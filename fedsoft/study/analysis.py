"""From stored predictions to summaries, effects and a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from fedsoft.config import Endpoint
from fedsoft.evaluation import (
    METRICS,
    holm_interval,
    onehot,
    smallest_detectable,
    two_way_bootstrap,
    verdict,
)
from fedsoft.evaluation.statistics import Effects
from fedsoft.files import write_csv
from fedsoft.streams import stream
from fedsoft.study.effects import LINEAR, VIEWS, effects_of, example_values, views
from fedsoft.study.plan import Cell, Plan, labels
from fedsoft.study.prepare import load_dataset, prepare
from fedsoft.study.results import test_fold
from fedsoft.study.store import Store
from fedsoft.supervision import dose

CONTRAST = "hardest_fifth − rest"
"""The headline contrast: what happens on hard examples beyond what happens everywhere."""


@dataclass(frozen=True)
class Values:
    """Per-example values of one strategy's runs: what every interval is computed from.

    Attributes:
        sources: J labels.
        values: (J, cells) by (view, reference, metric); a cell is an image held out in a seed.
        image: (cells,) dataset row.
        seed: (cells,) seed.
        strata: boolean (cells,) by name.
    """

    sources: list[str]
    values: dict[tuple[str, str, str], np.ndarray]
    image: np.ndarray
    seed: np.ndarray
    strata: dict[str, np.ndarray]
    confidence: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """One row of a table: where, what, and how sure."""

    strategy: str
    source: str
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
    """What may be said of the endpoint in one cell of the grid."""

    axes: dict[str, Any]
    estimate: float
    low: float
    high: float
    baseline: float
    verdict: str
    smallest: float
    seeds: int


def gather(cell: Cell, strategy: str, store: Store, device: str) -> Values | None:
    """Per-example values of all sources under one strategy; None unless every run of a seed is done."""
    sources = labels(cell.study.sources)
    parts: dict[tuple[str, str, str], list[np.ndarray]] = {}
    images, seeds, strata = [], [], []
    for seed in cell.study.seeds:
        runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == strategy]
        if not all(store.is_done(run.key) for run in runs):
            continue
        made = [store.predictions(run.key) for run in runs]
        fold = test_fold(runs[0], made[0]["test_rows"], made[0]["test_client"], device)
        test, validation, truth = _stack(made, "test", device), None, None
        if "validation" in made[0]:
            data = load_dataset(runs[0].dataset)
            validation = _stack(made, "validation", device)
            kept = torch.from_numpy(data.labels[made[0]["validation_rows"]]).to(device)
            truth = onehot(kept, data.classes)
        for view, probs in views(test, validation, truth).items():
            for name, reference in fold.references.items():
                for metric, values in example_values(probs, reference).items():
                    parts.setdefault((view, name, metric), []).append(values.cpu().numpy())
        images.append(fold.rows)
        seeds.append(np.full(len(fold.rows), seed))
        strata.append({name: mask.cpu().numpy() for name, mask in fold.strata.items()})
    if not images:
        return None
    return Values(
        sources,
        {key: np.concatenate(part, axis=1) for key, part in parts.items()},
        np.concatenate(images),
        np.concatenate(seeds),
        {name: np.concatenate([part[name] for part in strata]) for name in strata[0]},
    )


def _stack(made: Sequence[dict[str, np.ndarray]], part: str, device: str) -> Tensor:
    return torch.from_numpy(np.stack([predictions[part] for predictions in made])).to(device).double()


def estimates(values: Values, strategy: str, combinations: np.ndarray, names: Sequence[str]) -> list[Estimate]:
    """Combinations of sources (Q, J), by view, reference, metric and stratum, with 95 % intervals."""
    everywhere = np.ones(len(values.image), dtype=bool)
    masks = {"all": everywhere, **values.strata}
    keys = [(key, q, stratum) for key in values.values for q in range(len(names)) for stratum in masks]
    columns = np.stack([combinations[q] @ values.values[key] for key, q, _ in keys], axis=1)
    weight = np.stack([masks[stratum] for *_, stratum in keys], axis=1).astype(float)
    rows = np.eye(len(keys))
    listed = [(key, q, stratum) for key, q, stratum in keys]
    if "hardest_fifth" in masks:
        rest = [(key, q) for key in values.values for q in range(len(names))]
        place = {entry: number for number, entry in enumerate(keys)}
        columns = np.hstack([columns, np.stack([combinations[q] @ values.values[key] for key, q in rest], 1)])
        weight = np.hstack([weight, np.repeat((~masks["hardest_fifth"])[:, None], len(rest), 1)])
        contrast = np.zeros((len(rest), columns.shape[1]))
        for number, (key, q) in enumerate(rest):
            contrast[number, place[key, q, "hardest_fifth"]] = 1
            contrast[number, len(keys) + number] = -1
        rows = np.vstack([np.hstack([rows, np.zeros((len(keys), len(rest)))]), contrast])
        listed += [(key, q, CONTRAST) for key, q in rest]
    effects = _bootstrap(values, columns, weight, rows)
    low, high = effects.interval()
    return [
        Estimate(
            strategy, names[q], view, reference, metric, stratum,
            float(effects.estimate[n]), float(low[n]), float(high[n]), float(effects.p_values[n]),
        )
        for n, ((view, reference, metric), q, stratum) in enumerate(listed)
    ]  # fmt: skip


def _bootstrap(
    values: Values, columns: np.ndarray, weight: np.ndarray | None = None, rows: np.ndarray | None = None
) -> Effects:
    return two_way_bootstrap(
        columns, values.image, values.seed, stream("bootstrap"), weight=weight, contrasts=rows, draws=500
    )
