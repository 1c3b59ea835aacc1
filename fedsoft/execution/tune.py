"""What the trials of a study came to, and what to choose by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.config import Study, Tune
from fedsoft.errors import DataError
from fedsoft.execution.search import Tried, tried
from fedsoft.study.opened import OpenStudy
from fedsoft.study.trials import OWN, POINT, Point


@dataclass(frozen=True)
class Trial:
    """A point, and what its runs scored on validation examples.

    Attributes:
        point: the point.
        nll: (seeds,) NLL of the models that are kept against the labels that clients have, in the mean over
            sources and cells; infinite where a run could not be done, as where training diverged.
        by_source: (sources,) the same of each source, in the mean over seeds.
        own: (sources,) against the kind of label that the source is made of.
    """

    point: Point
    nll: np.ndarray
    by_source: np.ndarray
    own: np.ndarray

    @property
    def loss(self) -> float:
        """What the trial is judged by: the mean NLL over seeds, sources and cells."""
        return float(self.nll.mean())


@dataclass(frozen=True)
class Chosen:
    """What trials choose.

    Attributes:
        common: values of keys of sources, and of those that all strategies share.
        own: of each strategy, values of its own keys and of those of training.
        best: of each strategy, the trial that these are of.
    """

    common: dict[str, Any]
    own: list[dict[str, Any]]
    best: list[Trial]


def read_trials(opened: OpenStudy, points: Sequence[Point]) -> list[Trial]:
    """What every point's runs scored.

    Raises:
        DataError: there are no validation examples to judge by.
    """
    seeds, sources = len(opened.plan.study.seeds), len(opened.plan.study.sources)
    of_point: dict[int, list[Tried]] = {}
    for one in tried(opened, POINT):
        of_point.setdefault(one.value, []).append(one)
    if not of_point and any(opened.store.is_done(run.key) for run in opened.plan.runs):
        raise DataError(
            "tuning is judged by validation examples, and no client has the ten examples that give one; use "
            "fewer clients."
        )
    wanted = sources * len(opened.plan.cells) // len(points)
    found = []
    for place, point in enumerate(points):
        some = of_point.get(place, [])
        if len(some) < wanted:
            lost = np.full(sources, np.inf)
            found.append(Trial(point, np.full(seeds, np.inf), lost, lost))
            continue
        nll = np.array([one.kept for one in some]).reshape(-1, sources, seeds)
        own = np.array([one.own for one in some]).reshape(-1, sources, seeds)
        found.append(Trial(point, nll.mean(axis=(0, 1)), nll.mean(axis=(0, 2)), own.mean(axis=(0, 2))))
    return found


def choose(study: Study, tune: Tune, trials: Sequence[Trial]) -> Chosen:
    """The values of every key, each where it may differ, by the least mean validation NLL.

    What all strategies share is chosen first: the values with which their best trials are best on average.
    Among the trials with these each strategy takes its best one, and so does each source that has keys, in
    the mean over strategies.

    Raises:
        DataError: all trials of a strategy failed.
    """
    count = range(len(study.strategies))
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(repr([trial.point.values[key] for key in tune.shared]), []).append(trial)

    def best_of(some: Sequence[Trial]) -> list[Trial]:
        return [min((t for t in some if t.point.strategy == s), key=lambda t: t.loss) for s in count]

    some = min(alike.values(), key=lambda some: float(np.mean([one.loss for one in best_of(some)])))
    best = best_of(some)
    for strategy, one in zip(study.strategies, best, strict=True):
        if not np.isfinite(one.loss):
            raise DataError(
                f"no trial of {strategy.label()} could be done; lower the learning rates that [tune] tries."
            )
    common = {key: best[0].point.values[key] for key in tune.shared}
    for place, source in enumerate(study.sources):
        if keys := tune.of_choice("sources", source.name):
            losses: dict[int, list[float]] = {}
            for trial in some:
                losses.setdefault(trial.point.trial, []).append(float(trial.by_source[place]))
            number = min(losses, key=lambda trial: float(np.mean(losses[trial])))
            values = next(trial.point.values for trial in some if trial.point.trial == number)
            common |= {key: values[key] for key in keys}
    own = [
        {key: value for key, value in one.point.values.items() if key.split(".")[0] in OWN} for one in best
    ]
    return Chosen(common, own, best)
