"""Dotted keys, as the command line and grids set them in nested tables."""

import tomllib
from collections.abc import Iterable
from typing import Any

from fedsoft.errors import StudyFileError

DEEPEST = 20
TOO_DEEP = f"tables or lists lie more than {DEEPEST} deep in each other, which no key takes; take some away"


def put_all(table: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Apply ``key=value`` settings to a table, and return it.

    Raises:
        StudyFileError: a setting has no ``=``.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise StudyFileError(f"--set {setting!r} has no '='; write --set training.lr=0.05.")
        put(table, key.strip(), _value(text.strip()))
    return table


def _value(text: str) -> Any:
    """A TOML value; anything that is none is a string, so that names need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key in nested tables; a choice spelled as a bare name becomes a table to take options."""
    *path, last = key.split(".")
    if len(path) > DEEPEST:
        raise StudyFileError(f"--set {key[:40]}…: {TOO_DEEP}.")
    for part in path:
        inner = table.get(part, {})
        inner = (
            {"name": inner} if isinstance(inner, str) else dict(inner) if isinstance(inner, dict) else None
        )
        if inner is None:
            raise StudyFileError(f"key {key!r} cannot be set: {part!r} is not a table.")
        table[part] = inner
        table = inner
    table[last] = value
