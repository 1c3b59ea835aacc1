"""The study file: read, validated, and expanded into the cells of its grid."""

import itertools
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fedsoft.config.study import Study
from fedsoft.config.tune import AXES_NOT_IN_GRID
from fedsoft.errors import StudyFileError
from fedsoft.keys import DEEPEST, TOO_DEEP, put, put_all
from fedsoft.privacy import SecureSum
from fedsoft.registry import explain
from fedsoft.training import changed


def read_study(path: Path, settings: Iterable[str] = ()) -> dict[str, Any]:
    """The study file as a table, with ``key=value`` settings applied.

    Raises:
        StudyFileError: the file is missing or not TOML, or a setting has no ``=``.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        studies = sorted(str(p) for p in path.parent.glob("*.toml") if p.name != "pyproject.toml")
        near = ", ".join(studies) or "none"
        raise StudyFileError(f"{path} does not exist; study files beside it: {near}.") from None
    except IsADirectoryError:
        raise StudyFileError(f"{path} is a folder; name a study file in it.") from None
    except OSError as error:
        raise StudyFileError(f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyFileError(f"{path} is not valid TOML: {error}.") from None
    except RecursionError:
        raise StudyFileError(f"{path}: {TOO_DEEP}.") from None
    table.setdefault("name", path.stem)
    return put_all(table, settings)


def validate(table: Mapping[str, Any], where: str) -> Study:
    """A validated study.

    Raises:
        StudyFileError: every problem in one sentence, with the file, the key and the nearest valid one.
    """
    if _is_deep(table):
        raise StudyFileError(f"{where}: {TOO_DEEP}.")
    try:
        return Study.model_validate(table)
    except ValidationError as error:
        raise StudyFileError(f"{where}: {'; '.join(explain(error, Study))}.") from None


def _is_deep(table: Any) -> bool:
    """Whether tables and lists are nested more deeply than any study needs, and further work could bear."""
    inside = [table]
    for _ in range(DEEPEST):
        values = [
            one.values() if isinstance(one, Mapping) else one
            for one in inside
            if isinstance(one, Mapping | list | tuple)
        ]
        inside = [value for some in values for value in some]
    return bool(inside)


def cells(table: Mapping[str, Any], where: str) -> list[tuple[dict[str, Any], Study]]:
    """Every cell of the study's grid: the values that set it apart, and its study.

    A study without a grid is one cell, with no values.

    Raises:
        StudyFileError: the study or one of its cells is not valid, or a strategy cannot work on its cohorts.
    """
    study = validate(table, where)
    for key, values in study.grid.items():
        if key.split(".")[0] in AXES_NOT_IN_GRID or not values:
            raise StudyFileError(f"{where}: grid cannot vary {key!r}, or its list of values is empty.")
    result = []
    for values in itertools.product(*study.grid.values()):
        axes = dict(zip(study.grid, values, strict=True))
        cell = _copy(table)
        for key, value in axes.items():
            put(cell, key, value)
        place = f"{where}, at {axes}" if axes else where
        result.append((axes, validate(cell, place)))
        _check_strategies(result[-1][1], place)
    return result


def _check_strategies(study: Study, where: str) -> None:
    """Refuse a strategy that cannot work on what the clients and the server of a cell are."""
    scenario = study.scenario
    for strategy in study.strategies:
        try:
            strategy.check_cohort(max(1, round(scenario.participation * scenario.clients)))
            for arm in study.arms:
                strategy.check_training(arm.trained(changed(study.training, strategy.training)))
            if strategy.needs_examples and not scenario.server_examples:
                raise ValueError(
                    f"{strategy.label()} needs unlabelled examples at the server, and "
                    "scenario.server_examples is 0; set it to some hundred"
                )
        except ValueError as error:
            raise StudyFileError(f"{where}: strategies: {error}.") from None
    if study.privacy and study.privacy.secure_sum:
        _check_secure_sum(study, study.privacy.secure_sum, where)


def _check_secure_sum(study: Study, options: SecureSum, where: str) -> None:
    """Refuse strategies that need each client's update, and cohorts whose sum hides nobody or could wrap."""
    scenario = study.scenario
    for strategy in study.strategies:
        if not strategy.of_means:
            raise StudyFileError(
                f"{where}: strategies: {strategy.label()} needs each client's update, and "
                "privacy.secure_sum shows the server their sum alone; leave one of the two out."
            )
    if scenario.sampling == "poisson":
        raise StudyFileError(
            f"{where}: privacy.secure_sum needs cohorts of a size that is known, and scenario.sampling = "
            '"poisson" draws them of any; set it to "fixed".'
        )
    try:
        options.check_cohort(max(1, round(scenario.participation * scenario.clients)))
    except ValueError as error:
        raise StudyFileError(f"{where}: privacy.secure_sum: {error}.") from None


def _copy(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in table.items()}
