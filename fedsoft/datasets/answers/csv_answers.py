"""Answers in a table of text, one row each."""

import math
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.columns import chosen_columns
from fedsoft.datasets.answers.options import ROLES, AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers
from fedsoft.datasets.answers.table import Table, decimal, open_table
from fedsoft.errors import DataError


def table_answers(table: Table, options: AnswerOptions, roles: tuple[str, ...] = ROLES) -> RawAnswers:
    """The answers of a table.

    Args:
        table: the opened file.
        options: what the user says of it.
        roles: the columns that are looked for.

    Raises:
        DataError: a column is missing, a row has too many cells, or a weight is no number.
    """
    places, told = chosen_columns(table.header, options.columns, roles, table.file)
    item_at, label_at = places["item"], places["label"]
    annotator_at, weight_at = places.get("annotator"), places.get("weight")
    kept: dict[str, str] = {}  # one object a spelling, however many rows have it
    same = kept.setdefault
    items: list[str] = []
    annotators: list[str] = []
    classes: list[str] = []
    weights: list[float] = []
    numbers: list[int] = []
    for number, row in table.rows():
        item, label = row[item_at], row[label_at]
        items.append(same(item, item))
        classes.append(same(label, label))
        numbers.append(number)
        if annotator_at is not None:
            annotator = row[annotator_at]
            annotators.append(same(annotator, annotator))
        if weight_at is not None:
            weights.append(_weight(row[weight_at], number, table, weight_at))
    return RawAnswers(
        where=str(table.file),
        place="line",
        items=items,
        annotators=annotators if annotator_at is not None else None,
        classes=classes,
        weights=np.array(weights) if weight_at is not None else None,
        numbers=np.array(numbers, dtype=np.int64),
        told=(*table.told, *told),
        column=table.header[label_at],
    )


def csv_answers(
    data: bytes, file: Path, options: AnswerOptions, roles: tuple[str, ...] = ROLES
) -> RawAnswers:
    """The answers of a CSV file; see `table_answers`."""
    return table_answers(open_table(data, file, options, roles), options, roles)


def _weight(cell: str, number: int, table: Table, column: int) -> float:
    """A number, with a decimal comma where commas do not separate columns, or of percent; NaN if empty."""
    text = cell.strip()
    if not text:
        return math.nan
    try:
        return decimal(text, table.delimiter)
    except ValueError:
        mend = 'correct it, or read no weights: columns = { weight = "" }'
        raise DataError(
            f"{table.file} has {cell!r} in line {number}, column {table.header[column]!r}, where a number "
            f"was expected; {mend}."
        ) from None
