"""Predictions in an array of NumPy's, alone or beside the names of items and classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.naming import listed, quoted
from fedsoft.datasets.predictions.classes import by_name, by_place
from fedsoft.datasets.predictions.raw import RawPredictions
from fedsoft.errors import DataError, StoreError
from fedsoft.files import DAMAGED, read_npz
from fedsoft.plural import plural

USUAL = ("predictions", "probs")
BESIDE = ("item_ids", "class_names")


def read_npy(file: Path, classes: Sequence[str]) -> RawPredictions:
    """Predictions in an .npy file, a row an item and a column a class.

    Raises:
        DataError: the file is damaged, or its array is of another shape.
    """
    try:
        array = np.load(file, allow_pickle=False)
    except DAMAGED as error:
        mend = "save plain numbers with numpy.save"
        raise DataError(f"{file} is damaged or holds Python objects ({error}); {mend}.") from None
    return from_array(array, str(file), classes)


def read_archive(file: Path, classes: Sequence[str]) -> RawPredictions:
    """Predictions in an .npz file: array ``predictions`` or ``probs``, or the only one.

    ``item_ids`` (M,) and ``class_names`` (C,) may stand beside.

    Raises:
        DataError: the file is damaged, or it is not clear which array is meant, or what it is of.
    """
    try:
        arrays = read_npz(file)
    except StoreError as error:
        raise DataError(str(error)) from None
    others = [name for name in arrays if name not in BESIDE]
    chosen = next((name for name in USUAL if name in arrays), others[0] if len(others) == 1 else None)
    if chosen is None:
        there = listed(sorted(arrays)) or "nothing"
        raise DataError(f"{file} has no array `predictions`, but {there}; name the one that holds them so.")
    items, names = (arrays.get(name) for name in BESIDE)
    array = arrays[chosen]
    if items is not None and (items.ndim != 1 or array.ndim != 2 or len(items) != len(array)):
        raise DataError(
            f"{file}: array `item_ids` has shape {items.shape} where `{chosen}` has {array.shape}; name the "
            "item of each row."
        )
    return from_array(
        array,
        f"{file}: array `{chosen}`",
        classes,
        None if items is None else [_text(one) for one in items],
        None if names is None else [_text(one) for one in names.ravel()],
    )


def from_array(
    array: np.ndarray,
    where: str,
    classes: Sequence[str],
    items: list[str] | None = None,
    names: list[str] | None = None,
) -> RawPredictions:
    """Predictions (M, C) in an array.

    Args:
        array: the array.
        where: what errors call it.
        classes: those of the data.
        items: the item of each row, where that is known.
        names: the class of each column, where that is known; else they are the data's, in order.

    Raises:
        DataError: it is of another shape, or holds no numbers.
    """
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} holds {array.dtype}, and no numbers; save probabilities, a column a class.")
    if array.ndim != 2:
        raise DataError(
            f"{where} has shape {array.shape}, where a row an item and a column a class are needed; save the "
            "probability of every class, not the class alone."
        )
    columns = array.shape[1]
    if names is not None and len(names) != columns:
        raise DataError(f"{where} has {columns} columns and {len(names)} `class_names`; name each column.")
    told: tuple[str, ...] = ()
    if names is not None and (places := by_name(names, classes, where)) is not None:
        array = array[:, places]
    elif names is not None:
        told = by_place(names, classes, where)
    elif columns != len(classes):
        raise DataError(
            f"{where} has {plural(columns, 'column')} where there are {len(classes)} classes "
            f"({quoted(classes)}); save a column for each class."
        )
    elif list(classes) != [str(number) for number in range(columns)]:
        told = (f"its columns are taken for the classes {quoted(classes)}, in this order",)
    values = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    return RawPredictions(where, "row", values, np.arange(len(array)), items, told)


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
