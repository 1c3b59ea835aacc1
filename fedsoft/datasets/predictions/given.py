"""Predictions of the user's own models, one row an item of the data."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.match import match
from fedsoft.datasets.answers.naming import quoted
from fedsoft.datasets.answers.text import content
from fedsoft.datasets.predictions.array_files import from_array, read_archive, read_npy
from fedsoft.datasets.predictions.distributions import distributions
from fedsoft.datasets.predictions.raw import RawPredictions
from fedsoft.datasets.predictions.tables import read_table
from fedsoft.errors import DataError
from fedsoft.plural import plural

ARRAY = "predictions"
NAME = re.compile(r"[^\W_][\w .-]*")
"""What a model may be called: names stand in labels of arms and in file names."""
"""The array of the data themselves, and how the names of further ones begin, such as ``predictions_clip``."""


def is_predictions(array: str) -> bool:
    """Whether an array of this name holds the predictions of a model."""
    return array == ARRAY or (
        array.startswith(f"{ARRAY}_") and NAME.fullmatch(array.removeprefix(f"{ARRAY}_")) is not None
    )


def given_predictions(
    arrays: Mapping[str, np.ndarray],
    files: Mapping[str, Path],
    ids: Sequence[str] | None,
    items: int,
    classes: Sequence[str],
    noun: str,
    source: str,
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """All predictions, each (N, C) with rows of NaN where there is none, and what was odd but usable.

    Args:
        arrays: those of the data, of which some may be predictions; without a name of its own, a model is
            called ``predictions``.
        files: of predictions, by the model's name.
        ids: what the data call their items; None where they do not name them.
        items: number of items N.
        classes: names of the classes C.
        noun: what items are called, in the plural.
        source: the file that errors in arrays give.

    Raises:
        DataError: predictions cannot be read, are no probabilities, or are not of these items or classes.
    """
    found: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for array in filter(is_predictions, arrays):
        name = array.removeprefix(f"{ARRAY}_")
        raw = from_array(arrays[array], f"{source}: array `{array}`", classes)
        found[name], told = distributions(raw)
        notes += _sentences(name, told, found[name], noun)
    for name, file in files.items():
        if name in found:
            raise DataError(
                f"{source} has an array of predictions {name!r}, and `predictions` a file of that name, "
                f"{file}; give one of the two another name."
            )
        raw = _read(file, classes)
        rows, told = distributions(raw)
        place, matched = _places(raw, ids, items, noun)
        found[name] = np.full((items, len(classes)), np.nan, dtype=rows.dtype)
        found[name][place[place >= 0]] = rows[place >= 0]
        notes += _sentences(name, (*told, *matched), found[name], noun)
    return found, tuple(notes)


def _read(file: Path, classes: Sequence[str]) -> RawPredictions:
    start = content(file)[:6]
    if start == b"\x93NUMPY":
        return read_npy(file, classes)
    if start[:4] == b"PK\x03\x04" and file.suffix.lower() not in (".xlsx", ".ods"):
        return read_archive(file, classes)
    return read_table(file, classes)


def _places(
    raw: RawPredictions, ids: Sequence[str] | None, items: int, noun: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(M,) the item of each row, -1 for none, and what to tell of it.

    Raises:
        DataError: rows name no items and are not as many, or most of the items they name are not in the data.
    """
    if raw.items is None:
        if len(raw.values) != items:
            raise DataError(
                f"{raw.where} has {plural(len(raw.values), 'row')} where there are {items:,} {noun}, and "
                "does not name their items; add a row for each, or a column `item` (in an .npz, an array "
                "`item_ids`)."
            )
        ends = "" if ids is None else f", {ids[0]!r} first and {ids[-1]!r} last"
        return np.arange(items), (f"its rows are taken for the {noun} in the order of the data{ends}",)
    known = [str(number) for number in range(items)] if ids is None else ids
    names = list(dict.fromkeys(raw.items))
    place, told = match(names, known)
    of_name = dict(zip(names, place.tolist(), strict=True))
    of_row = np.array([of_name[name] for name in raw.items], dtype=np.int64)
    first: dict[int, int] = {}
    for row, item in enumerate(of_row.tolist()):
        if item >= 0 and first.setdefault(item, row) != row:
            raise DataError(
                f"{raw.where} has two predictions for {known[item]!r}, in {raw.at(first[item])} and "
                f"{raw.at(row)}; remove one."
            )
    absent = np.flatnonzero(of_row < 0)
    if not len(absent):
        return of_row, told
    example = f"such as {raw.items[absent[0]]!r} in {raw.place} {raw.numbers[absent[0]]}"
    if 2 * len(absent) > len(of_row):
        called = "counted from 0, since the data do not name them" if ids is None else quoted(known[:3])
        some = f"{len(absent):,} of its {plural(len(of_row), 'item')} {'is' if len(absent) == 1 else 'are'}"
        raise DataError(
            f"{raw.where}: {some} not among the {noun} "
            f"({example}, where the {noun} are {called}); give items the same names in both."
        )
    return of_row, (
        *told,
        f"{plural(len(absent), 'row')} left out, of items that the data do not have ({example})",
    )


def _sentences(name: str, told: tuple[str, ...], rows: np.ndarray, noun: str) -> list[str]:
    """What to tell of one model's predictions, a sentence each."""
    said = [f"Predictions {name!r}: {words.rstrip('.')}." for words in told]
    if lacking := int(np.isnan(rows[:, 0]).sum()):
        has = "has" if lacking == 1 else "have"
        said.append(
            f"{lacking:,} of {len(rows):,} {noun} {has} no prediction {name!r}: a teacher made of it gives "
            "them their label."
        )
    return said
