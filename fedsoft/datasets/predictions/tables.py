"""Predictions in a table of text: a column a class, or a row an item and class."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.columns import find_columns, plain
from fedsoft.datasets.answers.naming import numbered, quoted
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.spelling import fold_key, trimmed, without_bytes
from fedsoft.datasets.answers.table import Table, decimal, open_table
from fedsoft.datasets.answers.text import content
from fedsoft.datasets.predictions.classes import by_name, by_place
from fedsoft.datasets.predictions.raw import RawPredictions
from fedsoft.errors import DataError

LONG = ("item", "label", "weight")
INDEX = ("", "unnamed0", "index")
"""What tools call a column that only counts rows."""
NONE = ("", "nan", "na", "null", "none")


def read_table(file: Path, classes: Sequence[str]) -> RawPredictions:
    """Predictions in a CSV: an item and a column a class; or item, class and probability, a row each.

    Raises:
        DataError: it cannot be read so.
    """
    table = open_table(content(file), file, AnswerOptions(), LONG)
    places = by_name(table.header, classes, str(file))
    if places is None:
        found = find_columns(table.header, None, LONG)
        if found.keys() == set(LONG):
            return _long(table, found, classes)
    return _wide(table, places, classes)


def _wide(table: Table, places: list[int] | None, classes: Sequence[str]) -> RawPredictions:
    rows = list(table.rows())
    item_at, others = _item_column(table.header, [row for _, row in rows], places)
    told: tuple[str, ...] = ()
    if places is None:
        places = others
        told = by_place([table.header[at] for at in others], classes, str(table.file))
    values = np.array(
        [[_number(row[at], number, table, at) for at in places] for number, row in rows], dtype=np.float64
    ).reshape(len(rows), len(classes))
    items = None if item_at is None else [trimmed(row[item_at]) for _, row in rows]
    return RawPredictions(str(table.file), "line", values, np.array([n for n, _ in rows]), items, told)


def _item_column(
    header: Sequence[str], rows: list[list[str]], places: list[int] | None
) -> tuple[int | None, list[int]]:
    """The column that names items, if there is one, and those that may be of classes.

    It has a usual name, or is the first that no class has and that holds no numbers. An index that counts the
    rows from 0 names nothing that their order does not.
    """
    taken = set(places or ())
    left = [at for at in range(len(header)) if at not in taken]
    usual = find_columns(["" if at in taken else name for at, name in enumerate(header)], None, ("item",))
    found = usual.get("item")
    if found is None and left:
        first = left[0]
        counts = [row[first].strip() for row in rows] == [str(number) for number in range(len(rows))]
        if plain(header[first]) in INDEX and counts:
            return None, left[1:]
        if plain(header[first]) in INDEX or any(not _is_number(row[first]) for row in rows[:1]):
            found = first
    return found, [at for at in left if at != found]


def _long(table: Table, found: dict[str, int], classes: Sequence[str]) -> RawPredictions:
    item_at, class_at, weight_at = (found[role] for role in LONG)
    exact = {trimmed(name): number for number, name in enumerate(classes)}
    folded = {fold_key(name): number for name, number in exact.items()}
    names: list[str] = []
    cells: list[tuple[int, float]] = []
    lines: list[int] = []
    for line, row in table.rows():
        name = without_bytes(trimmed(row[class_at]))
        number = exact.get(name, folded.get(fold_key(name)))
        if number is None:
            raise DataError(
                f"{table.file} names class {name!r} in line {line}, which the data do not have (their "
                f"classes are {quoted(classes)}); correct it, or remove the row."
            )
        names.append(trimmed(row[item_at]))
        cells.append((number, _number(row[weight_at], line, table, weight_at)))
        lines.append(line)
    items, item = numbered(names)
    numbers, first = np.array(lines, dtype=np.int64), np.unique(item, return_index=True)[1]
    label = np.array([number for number, _ in cells], dtype=np.int64)
    weight = np.array([value for _, value in cells])
    _, cell, times = np.unique(item * len(classes) + label, return_inverse=True, return_counts=True)
    if (times > 1).any():
        one, other = np.flatnonzero(cell == np.flatnonzero(times > 1)[0])[:2]
        raise DataError(
            f"{table.file} gives class {classes[label[one]]!r} of item {items[item[one]]!r} two "
            f"probabilities, in lines {numbers[one]} and {numbers[other]}; remove one."
        )
    values = np.zeros((len(items), len(classes)))
    values[item, label] = weight
    values[np.bincount(item, np.isnan(weight)) == np.bincount(item)] = math.nan
    return RawPredictions(str(table.file), "line", values, numbers[first], items)


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().removesuffix("%").replace(",", "."))
    except ValueError:
        return cell.strip().lower() in NONE
    return True


def _number(cell: str, line: int, table: Table, column: int) -> float:
    """A number, with a decimal comma where commas do not separate columns, or of percent; NaN if empty."""
    text = cell.strip()
    if text.lower() in NONE:
        return math.nan
    try:
        return decimal(text, table.delimiter)
    except ValueError:
        raise DataError(
            f"{table.file} has {cell!r} in line {line}, column {table.header[column]!r}, where a probability "
            "was expected; correct it, or leave it empty where there is no prediction."
        ) from None
