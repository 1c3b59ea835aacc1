"""A tuned study as a file, and as lines to paste."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fedsoft.config import Study, validate
from fedsoft.errors import StudyFileError
from fedsoft.execution.tune import Chosen
from fedsoft.files import write_text
from fedsoft.starting.text import comment, spelled
from fedsoft.study.plan import labels
from fedsoft.study.trials import settled

LISTS = ("sources", "rivals", "strategies")
"""Lists of which each entry has a line."""


def tuned_table(table: Mapping[str, Any], study: Study, chosen: Chosen, how: str) -> dict[str, Any]:
    """The study file with what was chosen, which its endpoint names by the labels that this gives.

    Args:
        table: the study file.
        study: the same, validated.
        chosen: the values.
        how: how they were, for the report.
    """
    made: dict[str, Any] = settled(table, study, chosen.common, chosen.own) | {"tuned": how}
    if study.endpoint is None:
        return made
    without = {key: value for key, value in made.items() if key != "endpoint"}
    after = validate(without, "the tuned study")
    names = {
        "strategy": dict(zip(labels(study.strategies), labels(after.strategies), strict=True)),
        "source": dict(zip(labels(study.arms), labels(after.arms), strict=True)),
    }
    endpoint = dict(made["endpoint"])
    for key, kind in (("strategy", "strategy"), ("source", "source"), ("baseline", "source")):
        before = getattr(study.endpoint, key)
        if names[kind][before] != before:
            endpoint[key] = names[kind][before]
    return made | {"endpoint": endpoint}


def changed_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The keys of a study file that another has otherwise, as lines to paste over them."""
    lines: list[str] = []
    for key, value in after.items():
        if value == before.get(key):
            continue
        if isinstance(value, dict) and "name" not in value:
            lines += [f"{_key(key)}.{_key(one)} = {spelled(v)}" for one, v in value.items()]
        else:
            lines += _entry(key, value)
    return lines


def study_file(table: Mapping[str, Any], above: str) -> str:
    """A study file as text, with a comment above it: single keys first, then tables."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict) and "name" not in value}
    lines = comment(above)
    for key, value in table.items():
        if key not in tables:
            lines += _entry(key, value)
    for key, inner in tables.items():
        lines += _section(_key(key), inner)
    return "\n".join(lines) + "\n"


def write_tuned(path: Path, table: dict[str, Any]) -> Path:
    """Write a tuned study beside the one that it is of, and return where.

    Raises:
        StudyFileError: there is another file in its place.
    """
    to = path.with_suffix(".tuned.toml")
    if table["name"] == path.stem:
        del table["name"]  # its own results, under its own name
    else:
        table["name"] += ".tuned"
    text = study_file(table, f"{path.name} with what `fedsoft tune` chose; its comments are there.")
    if to.exists() and not (to.is_file() and to.read_bytes() == text.encode()):
        raise StudyFileError(f"{to} exists and differs; delete it to write what was chosen now.")
    write_text(to, text)
    return to


def _entry(key: str, value: Any) -> list[str]:
    if key in LISTS and value:
        return [f"{key} = [", *(f"  {spelled(one)}," for one in value), "]"]
    return [f"{_key(key)} = {spelled(value)}"]


def _section(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if _is_tables(value)}
    yield from ("", f"[{name}]")
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {spelled(value)}"
    for key, value in inner.items():
        yield from _section(f"{name}.{_key(key)}", value)


def _is_tables(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(one, dict) for one in value.values())


def _key(key: str) -> str:
    """A key, which is quoted where it holds dots, since these are then part of it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else spelled(key)
