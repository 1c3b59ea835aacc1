"""How steady training is: repetitions of a run that predict the same images, compared pair by pair."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.analysis.scores import predictions_of
from fedsoft.analysis.values import Values, stack
from fedsoft.evaluation import (
    Unit,
    apply_temperature,
    churned,
    pair_jackknife,
    pair_variance,
    temperature_for_confidence,
)
from fedsoft.study.plan import Cell
from fedsoft.study.store import Store

WITHIN = 0.02
"""Nats of validation NLL: a run has reached its target when it is so near to the best of its seed."""

Measured = tuple[float, float, float]
"""An estimate with the low and the high end of its 95 % interval."""


@dataclass(frozen=True)
class Steadiness:
    """How far two repetitions of one source's training differ on the same images, with 95 % intervals.

    Attributes:
        churn: share of images whose predicted class differs.
        variance: variance of predictions, summed over classes.
        variance_equal_confidence: the same with every run tempered to the mean confidence of the baseline's
            runs: softer models vary less for mechanical reasons.
        less: by how much each measure is above the baseline's, pair by pair of repetitions.
        pairs: number of pairs of repetitions that share images.
        unit: what was left out in turn for the intervals.
    """

    churn: Measured
    variance: Measured
    variance_equal_confidence: Measured
    less: dict[str, Measured]
    pairs: int
    unit: Unit


@dataclass(frozen=True)
class Progress:
    """How fast and how reliably one source's training gets where training can get.

    Attributes:
        rounds_to_target: mean over seeds of the first round whose validation NLL is within 0.02 nats of the
            least that any source reaches in any round of that seed; NaN unless every seed gets there.
        reached: number of seeds that get there.
        seeds: number of seeds.
        spread: standard deviation over seeds of the validation NLL after the last round; NaN with one seed.
    """

    rounds_to_target: float
    reached: int
    seeds: int
    spread: float


@dataclass(frozen=True)
class Stability:
    """One source under one strategy.

    Attributes:
        steadiness: None where no two seeds predict the same images.
        progress: None where there are no validation examples, or where training has no rounds of its own.
    """

    steadiness: Steadiness | None
    progress: Progress | None


MEASURES = ("churn", "variance", "variance_equal_confidence")
PROGRESS = ("rounds_to_target", "reached", "seeds", "spread")
ENDS = ("", "_low", "_high")
COLUMNS = (
    *(f"{name}{end}" for name in MEASURES for end in ENDS),
    *(f"{name}_less_baseline{end}" for name in MEASURES for end in ENDS),
    *("pairs", "unit"),
    *PROGRESS,
)
"""Of ``stability.csv``, after the strategy and the source."""


def flat(found: Stability) -> list[float | str]:
    """One row of ``stability.csv``, empty where something is not known."""
    row: list[float | str] = [""] * len(COLUMNS)
    if found.steadiness:
        steady = found.steadiness
        row[:9] = [number for name in MEASURES for number in getattr(steady, name)]
        row[9:18] = [number for name in MEASURES for number in steady.less[name]]
        row[18:20] = [steady.pairs, steady.unit]
    if found.progress:
        row[20:] = [getattr(found.progress, name) for name in PROGRESS]
    return row


def stability(
    strategy: str,
    values: Values,
    probs: Tensor,
    curves: Mapping[tuple[str, str], Mapping[str, np.ndarray]],
    baseline: str,
) -> dict[tuple[str, str], Stability]:
    """The stability of every source of a cell under one strategy, over the seeds that have values.

    Args:
        strategy: its label.
        values: of the cell under it.
        probs: (J, cells, C) predictions of the same images and seeds.
        curves: by strategy and source, figures (seeds, rounds + 1) by name.
        baseline: the label of the source that others are compared with.
    """
    of_seed = [np.flatnonzero(values.seed == seed) for seed in dict.fromkeys(values.seed.tolist())]
    made = [(values.image[cells], probs[:, torch.from_numpy(cells)]) for cells in of_seed]
    nll = {
        source: figures["nll"]
        for source in values.sources
        if "nll" in (figures := curves.get((strategy, source), {}))
    }
    steady = steadiness(made, values.sources.index(baseline))
    moving = dict(zip(nll, progress(np.stack(list(nll.values()))), strict=True)) if nll else {}
    return {
        (strategy, source): Stability(steady[j] if steady else None, moving.get(source))
        for j, source in enumerate(values.sources)
    }


def predicted(cell: Cell, strategy: str, seed: int, store: Store, device: str) -> tuple[np.ndarray, Tensor]:
    """Test images (N,) and predictions (J, N, C) of all sources of one seed under one strategy."""
    runs = [run for run in cell.runs if run.seed == seed and run.strategy.label() == strategy]
    made = predictions_of(runs, store)
    return made[0]["test_rows"], stack(made, "test", device)


def steadiness(repetitions: Sequence[tuple[np.ndarray, Tensor]], baseline: int = 0) -> list[Steadiness]:
    """Compare all pairs of repetitions on the images that both predict.

    Each measure is a mean over pairs and the images that they share. Its 95 % interval is a jackknife: over
    the sets of seeds that share images (those of a fold); over seeds and images where there is one such set,
    or two; over images alone where there are few pairs. See `pair_jackknife`. Differences from the baseline
    are taken pair by pair and image by image, so their intervals are of what sources do not share.

    Args:
        repetitions: images (N,), in any order, and predictions (J, N, C) of J sources on them.
        baseline: which of the sources others are compared with, and to whose mean confidence all are
            tempered.

    Returns:
        one result a source; none where no two repetitions share an image.
    """
    common = torch.stack([probs[baseline].amax(-1).mean() for _, probs in repetitions]).mean()
    equal = [apply_temperature(probs, temperature_for_confidence(probs, common)) for _, probs in repetitions]
    pairs, images, found = [], [], []
    for a, b in itertools.combinations(range(len(repetitions)), 2):
        (first_rows, first), (second_rows, second) = repetitions[a], repetitions[b]
        shared, *places = np.intersect1d(first_rows, second_rows, assume_unique=True, return_indices=True)
        if len(shared):
            here, there = map(torch.from_numpy, places)
            first, second, tempered = (
                first[:, here],
                second[:, there],
                (equal[a][:, here], equal[b][:, there]),
            )
            measures = churned(first, second), pair_variance(first, second), pair_variance(*tempered)
            pairs.append((a, b))
            images.append(shared)
            found.append(torch.stack(measures).cpu().numpy())
    if not pairs:
        return []
    estimate, reach, unit = pair_jackknife(pairs, images, found)
    apart, apart_reach, _ = pair_jackknife(pairs, images, [one - one[:, [baseline]] for one in found])
    levels = np.stack([estimate, np.maximum(estimate - reach, 0), estimate + reach], axis=-1)
    less = np.stack([apart, apart - apart_reach, apart + apart_reach], axis=-1)

    def measured(ends: np.ndarray, source: int) -> dict[str, Measured]:
        return {
            name: (float(row[0]), float(row[1]), float(row[2]))
            for name, row in zip(MEASURES, ends[:, source], strict=True)
        }

    return [
        Steadiness(**measured(levels, j), less=measured(less, j), pairs=len(pairs), unit=unit)
        for j in range(levels.shape[1])
    ]


def progress(nll: np.ndarray) -> list[Progress]:
    """Rounds to the target and final spread of each source.

    Args:
        nll: (J, seeds, rounds + 1) validation NLL against the label, the first before any round.
    """
    there = nll <= nll.min(axis=(0, 2), keepdims=True) + WITHIN
    reached, first = there.any(axis=-1), there.argmax(axis=-1)
    return [
        Progress(
            rounds_to_target=float(first[j].mean()) if reached[j].all() else math.nan,
            reached=int(reached[j].sum()),
            seeds=nll.shape[1],
            spread=float(nll[j, :, -1].std(ddof=1)) if nll.shape[1] > 1 else math.nan,
        )
        for j in range(len(nll))
    ]
