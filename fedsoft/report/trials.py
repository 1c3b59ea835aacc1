"""The trials of a study's tuning: as a table, as a file, and in words."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from fedsoft.config import Study, Tune
from fedsoft.execution.tune import Chosen, Trial
from fedsoft.files import write_csv
from fedsoft.plural import plural
from fedsoft.report.numbers import plain
from fedsoft.report.shown import value_name
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.space import Axis
from fedsoft.study.plan import labels

FAILED = "failed"


def show_trials(study: Study, tune: Tune, trials: Sequence[Trial], chosen: Chosen) -> None:
    """Print every trial, and what to know of the choice."""
    console = Console()
    console.print(to_rich(trials_table(study, tune, trials, chosen)))
    for note in tuning_notes(study, tune, trials, chosen):
        console.print(note, style="dim", highlight=False, markup=False)


def trials_table(study: Study, tune: Tune, trials: Sequence[Trial], chosen: Chosen) -> Table:
    """Every trial of every strategy, the chosen ones strong; what each seed came to is in the file."""
    keys = list(tune.keys)
    rows: list[Sequence[Cell]] = []
    names = labels(study.strategies)
    for number, name in enumerate(names):
        for trial in (one for one in trials if one.point.strategy == number):
            strong = trial is chosen.best[number]
            values = trial.point.values
            tried = ", ".join(f"{_last(key)} {value_name(values[key])}" for key in keys if key in values)
            texts = [name, str(trial.point.trial), tried, _loss(float(trial.loss))]
            rows.append([Cell(text, strong=strong) for text in texts])
    return Table(("strategy", "trial", "tried", "validation NLL"), rows, prose=(0, 2))


def _last(key: str) -> str:
    """A key's last part, which says what it is where the strategy stands beside it."""
    return key.rsplit(".", 1)[-1]


def _loss(value: float) -> str:
    return plain(value, 4) if np.isfinite(value) else FAILED


def write_trials(path: Path, study: Study, tune: Tune, trials: Sequence[Trial]) -> None:
    """Write every trial: what was tried, and its validation NLL, by seed and by source; a failed one's empty.

    ``own`` is the NLL against the kind of label that a source is made of.
    """
    keys, names, sources = list(tune.keys), labels(study.strategies), labels(study.sources)
    columns = [
        *("strategy", "trial", *keys, "nll"),
        *(f"nll_seed_{seed}" for seed in tune.seeds),
        *(f"{kind}_{source}" for kind in ("nll", "own") for source in sources),
    ]
    write_csv(
        path,
        columns,
        (
            (
                names[one.point.strategy],
                one.point.trial,
                *(one.point.values.get(key, "") for key in keys),
                *(
                    loss if np.isfinite(loss) else ""
                    for loss in (one.loss, *one.nll, *one.by_source, *one.own)
                ),
            )
            for one in trials
        ),
    )


def tuned_words(tune: Tune, path: Path) -> str:
    """How a study was tuned, for its file and its report."""
    return (
        f"{plural(tune.trials, 'Sobol point')} of {_and(list(tune.keys))} for every strategy, by mean "
        f"validation NLL over sources, with seeds {_and(list(map(str, tune.seeds)))}: {path} (fedsoft tune)"
    )


def tuning_notes(study: Study, tune: Tune, trials: Sequence[Trial], chosen: Chosen) -> list[str]:
    """What to know of a choice: trials that failed, values at an edge, what sources would choose alone."""
    said = []
    if failed := sum(not np.isfinite(one.loss) for one in trials):
        said.append(f"{plural(failed, 'trial')} failed, as where training diverged, and count as the worst.")
    for key, axis in tune.keys.items():
        some = [one.point.values[key] for one in trials if key in one.point.values]
        edges: dict[str, list[str]] = {}
        for name, own in zip(labels(study.strategies), chosen.own, strict=True):
            if key in own and (note := _edge(axis, own[key], some)):
                edges.setdefault(note, []).append(f"{value_name(own[key])} for {name}")
        if edges:
            clauses = "; ".join(f"{_and(which)}, {note}" for note, which in edges.items())
            said.append(f"{key} is {clauses}.")
    for number, name in enumerate(labels(study.strategies)):
        some = [one for one in trials if one.point.strategy == number]
        alone = []
        for place, source in enumerate(labels(study.sources)):
            label = min(some, key=lambda one: float(one.by_source[place]))
            mine = min(some, key=lambda one: float(one.own[place]))
            text = f"{source} trial {label.point.trial} ({plain(float(label.by_source[place]), 4)})"
            if mine is not label:
                text += f", by its own kind of label {mine.point.trial} ({plain(float(mine.own[place]), 4)})"
            alone.append(text)
        said.append(f"Under {name} each source by itself would choose: {'; '.join(alone)}.")
    return said


def _edge(axis: Axis, value: Any, tried: Sequence[Any]) -> str:
    """Why a value at the end of what was tried may not be the best that there is; nothing of any other."""
    if axis.choices or len(tried) < 2 or value not in (min(tried), max(tried)):
        return ""
    scale = math.log if axis.log else float
    assert axis.start is not None
    assert axis.to is not None
    largest = value == max(tried)
    left = abs(scale(axis.to if largest else axis.start) - scale(value))
    between = (scale(max(tried)) - scale(min(tried))) / (len(set(tried)) - 1 or 1)
    if left > between:
        return f"of few trials the {'largest' if largest else 'smallest'}: more trials may find a better one"
    return "at the edge of what was tried: a wider range may have a better one"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
