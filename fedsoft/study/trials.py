"""What tuning a study runs: the points that its keys may take, and the runs of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedsoft.config import Study, Tune, cells, validate
from fedsoft.errors import StudyFileError
from fedsoft.keys import put
from fedsoft.space import shares
from fedsoft.streams import stream
from fedsoft.study.opened import OpenStudy, open_study
from fedsoft.study.plan import Cell, Plan
from fedsoft.study.settings import RunSettings, runs_of

POINT = "point"
"""What sets cells of trials apart: their place in the list of points."""
OWN = ("training", "strategies")
"""First parts of the keys that are chosen for each strategy by itself."""
LEFT_OUT = ("rivals", "endpoint", "tune", "cartography")
"""What of a study is not tried: what depends on its runs' labels, or is made of them."""


@dataclass(frozen=True)
class Point:
    """One trial of one strategy.

    Attributes:
        strategy: which of the study's.
        trial: its number, from 0 on; trials of one number agree in the keys that all strategies have.
        values: what is tried, by key.
    """

    strategy: int
    trial: int
    values: dict[str, Any]


def points_of(study: Study, tune: Tune) -> list[Point]:
    """As many points for every strategy, over the keys that it has, those of all before its own."""
    own = [list(tune.of_choice("strategies", strategy.name)) for strategy in study.strategies]
    common = [key for key in tune.keys if not key.startswith("strategies.")]
    spread = shares(tune.trials, len(common), [len(keys) for keys in own], stream("tuning"))
    return [
        Point(
            s,
            trial,
            {
                key: tune.keys[key].value(float(share))
                for key, share in zip((*common, *keys), shares_of[trial], strict=True)
            },
        )
        for s, (keys, shares_of) in enumerate(zip(own, spread, strict=True))
        for trial in range(tune.trials)
    ]


def settled(
    table: Mapping[str, Any], study: Study, common: Mapping[str, Any], own: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A study file with values in the place of keys.

    Args:
        table: the study file.
        study: the same, validated.
        common: values by key, of which those of sources count, and those that all strategies share.
        own: of each strategy values by key, of which its own count, and those of training.
    """
    made = dict(table)
    for key, value in common.items():
        if key.split(".")[0] not in (*OWN, "sources"):
            put(made, key, value)
    made["sources"] = [
        _set(given, "sources", choice.name, common)
        for given, choice in zip(table["sources"], study.sources, strict=True)
    ]
    made["strategies"] = [
        _set(given, "strategies", choice.name, values)
        for given, choice, values in zip(table["strategies"], study.strategies, own, strict=True)
    ]
    return made


def _set(given: Any, kind: str, name: str, values: Mapping[str, Any]) -> Any:
    """A choice as a study file spells it, with the values of its keys, and of training's for a strategy."""
    start = f"{kind}.{name}."
    options = {key.removeprefix(start): value for key, value in values.items() if key.startswith(start)}
    if kind == "strategies":
        options |= {key: value for key, value in values.items() if key.startswith("training.")}
    if not options:
        return given
    choice = {"name": given} if isinstance(given, str) else dict(given)
    for key, value in options.items():
        put(choice, key, value)
    return choice


def _is_control(run: RunSettings) -> bool:
    """Whether a run is of a control that its study has unasked, which has nothing to tune."""
    return run.source is not None and run.source.in_the_clear


def open_trials(table: Mapping[str, Any], where: str, out: Path | None) -> tuple[OpenStudy, list[Point]]:
    """The trials of a study as runs in a folder of their own, ``runs/tune-<name>`` unless said otherwise.

    Every point is tried in each cell of the study's grid, but for axes that only redraw chance.

    Returns:
        the trials, whose cells have the place of their point on the axis ``POINT``; and the points.

    Raises:
        StudyFileError: the study says nothing of tuning, or is not valid, or one of its points is not.
    """
    study = validate(table, where)
    if study.tune is None:
        raise StudyFileError(
            f"{where}: [tune] is missing, which says what to try; add for example [tune.keys] with "
            '"training.lr" = { from = 0.02, to = 1.0, log = true }.'
        )
    points = points_of(study, study.tune)
    base = {key: value for key, value in table.items() if key not in LEFT_OUT}
    base |= {"name": f"tune-{study.name}", "seeds": list(study.tune.seeds)}
    base["grid"] = {key: values for key, values in study.grid.items() if not key.startswith("redraw.")}
    opened = open_study(base, where, out)
    found = []
    for place, point in enumerate(points):
        made = settled(base, study, point.values, [point.values] * len(study.strategies))
        made["strategies"] = [made["strategies"][point.strategy]]
        told = ", ".join(f"{key} = {value}" for key, value in point.values.items())
        found += [
            Cell({POINT: place, **axes}, cell, [run for run in runs_of(cell) if not _is_control(run)])
            for axes, cell in cells(made, f"{where}, tuned to {told}")
        ]
    return replace(opened, plan=Plan(opened.plan.study, found)), points
