"""The strategies of one cell beside each other: the same source, images and seeds under each."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fedsoft.analysis.estimates import HARDEST
from fedsoft.analysis.finished import Finished
from fedsoft.analysis.judgement import Judgement, judgements_of
from fedsoft.analysis.learning import JUDGES, who_learned
from fedsoft.analysis.values import Values, gather_strategies
from fedsoft.config import Study
from fedsoft.datasets import Dataset
from fedsoft.study.plan import labels


class Measure(NamedTuple):
    """What strategies are compared by."""

    view: str
    reference: str
    metric: str
    stratum: str


@dataclass(frozen=True)
class Contest:
    """What the strategies of a cell score on the same images in the same seeds.

    Attributes:
        axes: the values that set the cell apart.
        data: which data they are of: cells with the same are not independent.
        strategies: S labels.
        values: (S, cells) of the study's source by measure, the one that ranks are by first; NaN outside its
            stratum.
        image: (cells,) dataset row.
        unit: (cells,) what intervals take as independent.
        seed: (cells,) seed.
        sets: (cells,) the set of people on which the cell's seed trains, where seeds have sets of their own.
        blocks: (sources × seeds, S) losses by the first measure.
        learned: by measure, those strategies whose models of the source beat the constant forecast, by the
            proper score that goes with it.
        judgements: of the strategies that judge clients.
        seconds: (S,) of compute, that training a run took on average.
        bytes_sent: (S,) that it sent.
    """

    axes: dict[str, Any]
    data: str
    strategies: list[str]
    values: dict[Measure, np.ndarray]
    image: np.ndarray
    unit: np.ndarray
    seed: np.ndarray
    sets: np.ndarray | None
    blocks: np.ndarray
    learned: dict[Measure, list[str]]
    judgements: list[Judgement]
    seconds: np.ndarray
    bytes_sent: np.ndarray


def measures_of(study: Study) -> list[Measure]:
    """What a study's strategies are compared by: its endpoint's measure, then always the same ones."""
    reference = study.reference
    fixed = [
        Measure("raw", reference, "brier", "all"),
        Measure("raw", reference, "nll", "all"),
        Measure("equal_confidence", reference, "brier", HARDEST),
        Measure("equal_confidence", reference, "nll", HARDEST),
        Measure("calibrated_confidence", reference, "brier", HARDEST),
        Measure("calibrated_confidence", reference, "nll", HARDEST),
        Measure("raw", reference, "signed_gap", "all"),
    ]
    asked = study.endpoint
    own = [Measure(asked.view, asked.reference, asked.metric, asked.stratum)] if asked else []
    return list(dict.fromkeys([*own, *fixed]))


def contest_of(finished: Finished, strategies: list[str]) -> Contest | None:
    """The contest of a cell's strategies that have results; None unless these are two or more.

    The study's source is the endpoint's; ranks are of all its sources.
    """
    cell, study = finished.cell, finished.cell.study
    reference = study.reference_strategy
    if len(strategies) < 2 or reference not in strategies:
        return None
    source = study.pair[0]
    blocks, main = [], None
    for name in dict.fromkeys([source, *labels(study.sources)]):
        values = gather_strategies(cell, name, strategies, reference, finished.store, finished.device)
        if values is None:
            continue
        wanted = [measure for measure in measures_of(study) if _is_known(measure, values)]
        if name == source:
            main = {measure: _of(measure, values) for measure in wanted}, values
        if wanted and name in labels(study.sources):
            blocks += by_seed(_of(wanted[0], values), values.seed, wanted[0].metric)
    if main is None or not blocks:
        return None
    found, values = main
    beat = who_learned(values)
    return Contest(
        cell.axes,
        _data(study.dataset),
        strategies,
        found,
        values.image,
        values.unit,
        values.seed,
        values.sets,
        np.array(blocks),
        {one: beat[one.view, one.reference, JUDGES[one.metric]] for one in found},
        judgements_of(finished, source, strategies),
        np.array([finished.seconds_each(strategy) for strategy in strategies]),
        np.array([finished.bytes_sent(strategy) for strategy in strategies]),
    )


def by_seed(columns: np.ndarray, seed: np.ndarray, metric: str) -> list[np.ndarray]:
    """Losses (S,) in each seed, in order: means over its images, of a signed gap its size."""
    found = [np.nanmean(columns[:, seed == one], axis=1) for one in np.unique(seed)]
    return [np.abs(one) for one in found] if metric == "signed_gap" else found


def _is_known(measure: Measure, values: Values) -> bool:
    some = measure.stratum == "all" or (
        measure.stratum in values.strata
        and all(values.strata[measure.stratum][values.seed == seed].any() for seed in np.unique(values.seed))
    )
    return some and measure[:3] in values.values


def _of(measure: Measure, values: Values) -> np.ndarray:
    if measure.stratum == "all":
        return values.values[measure[:3]]
    return np.where(values.strata[measure.stratum], values.values[values.within(measure[:3])], np.nan)


def _data(dataset: Dataset) -> str:
    """What tells data from others that were gathered apart: their name, and where they lie."""
    return " ".join([dataset.name, *(str(getattr(dataset, place)) for place in dataset.locations)])
