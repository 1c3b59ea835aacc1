"""Per-example values of the runs of one strategy: what levels, effects and verdicts are computed from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fedsoft.analysis.effects import EACH, HALF, answer_values, example_values, reference_of, seed_values
from fedsoft.analysis.judging import judges_of
from fedsoft.analysis.scores import Scored, predictions_of, test_fold
from fedsoft.evaluation import Crossing, Judges, build_references, margin_strata, onehot
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import client_labels, is_tested, people_set
from fedsoft.study.plan import Cell, labels
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.votes import drawn_votes

REFERENCE_MODEL = "hard"
"""Whose margins say what a model finds hard."""
MARGIN = "smallest_margin"
"""The stratum where the reference model finds it hard: the fifth of smallest margin, top less second."""

Key = tuple[str, str, str]
"""View, reference and metric."""
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Values:
    """Per-example values of the runs of one strategy: what every interval is computed from.

    A cell is an image that was held out in a seed.

    Attributes:
        sources: J labels.
        values: (J, cells) by (view, reference, metric); the reference `HALF`, where there is one, is what
            strata are judged by instead of all votes.
        image: (cells,) dataset row.
        unit: (cells,) what intervals take as independent: the image, or the person whose images these are.
        seed: (cells,) seed.
        strata: boolean (cells,) by name.
        constant: (cells,) by (reference, metric), of the forecast that knows of an example nothing at all.
        sets: (cells,) the set of people on which the cell's seed trains, where seeds have sets of their own.
        judges: known people whose answers make up a vote, by reference.
        answered: (J, P) by (view, reference, metric): the values of these, by their answers' pairs.
        answered_constant: (P,) by (reference, metric), the same of the constant forecast.
    """

    sources: list[str]
    values: dict[Key, np.ndarray]
    image: np.ndarray
    unit: np.ndarray
    seed: np.ndarray
    strata: dict[str, np.ndarray]
    constant: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    sets: np.ndarray | None = None
    judges: dict[str, Judges] = field(default_factory=dict)
    answered: dict[Key, np.ndarray] = field(default_factory=dict)
    answered_constant: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def within(self, key: Key) -> Key:
        """The key under which a view, reference and metric are found as strata are judged by them."""
        view, reference, metric = key
        half = view, HALF, metric
        return half if reference == "vote" and half in self.values else key

    def crossing(self, groups: np.ndarray | None = None) -> Crossing:
        """The cells, with groups (cells, G) of them, such as strata, ready for the values of any key."""
        return self._whole if groups is None else self._crossing(groups)

    @cached_property
    def _whole(self) -> Crossing:
        return self._crossing(None)

    def _crossing(self, groups: np.ndarray | None) -> Crossing:
        return Crossing(self.unit, self.seed, groups, self.sets, self.judges)

    def judged(self, key: Key, change: Change = np.asarray) -> tuple[str, np.ndarray] | None:
        """The values of single answers as `Crossing.effects` takes them; None where nobody is known.

        Args:
            key: the view, reference and metric.
            change: makes of values (J, …), by source, those that are compared.
        """
        found = self.answered.get(key)
        return None if found is None else (key[1], change(found).T)


def gather(cell: Cell, strategy: str, store: Store, device: str) -> Values | None:
    """Per-example values of all sources under one strategy, over the seeds whose runs are all done.

    Strata are those of people's votes and, where other seeds held out every test image too, the fifth of
    each seed's images with the smallest margin: see `smallest_margin`.

    Returns:
        None if there is no such seed.
    """
    runs = [run for run in cell.runs if run.strategy.label() == strategy]
    sources = labels(cell.study.arms)
    margins = sources.index(REFERENCE_MODEL) if REFERENCE_MODEL in sources else None
    return _gather(cell, runs, sources, sources.index(cell.study.baseline), margins, store, device)


def gather_strategies(
    cell: Cell, source: str, strategies: Sequence[str], reference: str, store: Store, device: str
) -> Values | None:
    """The same of one source under some strategies, which stand where sources do, in the study's order.

    Equally confident they are at the mean confidence of the reference strategy; there are no margins.
    """
    runs = [run for run in cell.runs if run.arm.label() == source and run.strategy.label() in strategies]
    return _gather(cell, runs, list(strategies), strategies.index(reference), None, store, device)


def gather_runs(
    cell: Cell, wanted: Sequence[RunSettings], names: list[str], baseline: int, store: Store, device: str
) -> Values | None:
    """The same of any runs on one data set, of each seed of a cell one a name, in the order of names.

    Equally confident they are at the mean confidence of the baseline, a place in names; there are no margins.
    """
    return _gather(cell, wanted, names, baseline, None, store, device)


def _gather(
    cell: Cell, wanted: Sequence[RunSettings], names: list[str], baseline: int, margins: int | None,
    store: Store, device: str,
) -> Values | None:  # fmt: skip
    """Values of runs that have names, one of each seed: see `gather`.

    Args:
        cell: whose runs they are.
        wanted: of each seed one run a name, in their order.
        names: what the values are called.
        baseline: whose mean confidence is shared.
        margins: whose margins say what a model finds hard; None for no such stratum.
        store: where the runs are.
        device: where to compute.
    """
    parts: dict[Key, list[np.ndarray]] = {}
    blind: dict[tuple[str, str], list[np.ndarray]] = {}
    images, seeds, strata, sets = [], [], [], []
    models: dict[int, tuple[np.ndarray, Tensor]] = {}
    for seed in cell.study.seeds:
        runs = [run for run in wanted if run.seed == seed]
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
        judges = judges_of(runs[0].dataset, fold.rows, fold.references.keys())
        found = seed_values(
            stack(made, "test", device), validation, truth, fold.references, votes, baseline, judges
        )
        for name, values in constant_values(runs[0], fold, judges, device).items():
            blind.setdefault(name, []).append(values.cpu().numpy())
        for key, values in found.items():
            parts.setdefault(key, []).append(values.cpu().numpy())
        images.append(fold.rows)
        seeds.append(np.full(len(fold.rows), seed))
        if (own := people_set(runs[0])) is not None:
            sets.append(np.full(len(fold.rows), own))
        strata.append({name: mask.cpu().numpy() for name, mask in fold.strata.items()})
        if margins is not None:
            models[seed] = fold.rows, stack(made, "test", "cpu")[margins]
    if not images:
        return None
    for part, mask in zip(strata, smallest_margin(models), strict=False):  # of no masks, none is added
        part[MARGIN] = mask
    image = np.concatenate(images)
    people = load_dataset(cell.study.dataset).people
    joined = {key: np.concatenate(parts.pop(key), axis=1) for key in list(parts)}  # never twice in memory
    constant = {key: np.concatenate(found) for key, found in blind.items()}
    every = {each: name for name, each in EACH.items()}
    return Values(
        names,
        {key: found for key, found in joined.items() if key[1] not in every},
        image,
        image if people is None else np.unique(people, return_inverse=True)[1][image],
        np.concatenate(seeds),
        {name: np.concatenate([part[name] for part in strata]) for name in strata[0]},
        {key: found for key, found in constant.items() if key[0] not in every},
        np.concatenate(sets) if sets else None,
        judges_of(cell.study.dataset, image, {reference for _, reference, _ in joined}),
        {(v, every[r], m): found for (v, r, m), found in joined.items() if r in every},
        {(every[r], m): found for (r, m), found in constant.items() if r in every},
    )


def constant_values(
    run: RunSettings, fold: Scored, judges: Mapping[str, Judges], device: str
) -> dict[tuple[str, str], Tensor]:
    """What the constant forecast scores on test examples, (N,) by (reference, metric).

    By the answers of known people, (P,), under the reference's name in `EACH`.

    It forecasts for each example what the run's training examples are like on average: the shares of their
    labels or of their modes, or their mean vote. One example spread evenly is added, so that a class that
    none of them has costs a finite NLL.
    """
    data = load_dataset(run.dataset)
    known = np.flatnonzero(~is_tested(run, data))
    labels, votes = torch.from_numpy(client_labels(run, data)[known]), None
    if data.votes is not None:
        votes = torch.from_numpy(data.votes[known])
    seen = build_references(labels, data.classes, votes, stream("constant mode"))
    voted = torch.from_numpy(data.voted[known])
    found: dict[tuple[str, str], Tensor] = {}
    for name, reference in fold.references.items():
        rows = seen[reference_of(name)] if name == "label" else seen[reference_of(name)][voted]
        mean = (rows.sum(dim=0) + 1 / data.classes) / (len(rows) + 1)
        forecast = mean.to(device).expand(1, len(reference), -1)
        found |= {key: values[0] for key, values in example_values(forecast, {name: reference}).items()}
        if some := judges.get(name):
            each = answer_values(forecast, name, some)
            found |= {(EACH[name], metric): values[0] for (_, metric), values in each.items()}
    return found


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
