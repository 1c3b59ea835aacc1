"""What named arrays must satisfy to be a dataset: each problem is one sentence with its mend."""

from typing import NoReturn

import numpy as np

from fedsoft.datasets.predictions import is_predictions
from fedsoft.datasets.seen import over_white
from fedsoft.errors import DataError
from fedsoft.registry import nearest

ARRAYS = [
    "images",
    "features",
    "labels",
    "votes",
    "class_names",
    "item_ids",
    "annotator_ids",
    "annotator_labels",
    "groups",
    "held_out",
    "predictions",
]


HIGHEST = 1_000_000
MANY_CLASSES = 200
"""More classes than these are refused where there are fewer items than classes."""


def fail(source: str, array: str, problem: str, mend: str) -> NoReturn:
    """Raise the DataError that names file, array, problem and mend."""
    raise DataError(f"{source}: array `{array}` {problem}; {mend}.")


def text(array: np.ndarray) -> np.ndarray:
    """Byte strings as text; other arrays as they are."""
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array


def check_names(arrays: dict[str, np.ndarray], source: str, answered: bool = False) -> None:
    """The arrays are known ones, with one kind of inputs, and labels or votes (or answers from elsewhere)."""
    for name in arrays:
        if name not in ARRAYS and not is_predictions(name):
            fail(source, name, "is not one fedsoft knows", f"remove or rename it ({nearest(name, ARRAYS)})")
    if not answered and not arrays.keys() & {"labels", "votes", "annotator_labels"}:
        mend = "add each item's class index, `votes`, or a file of answers (`annotations`)"
        fail(source, "labels", "is missing", mend)
    if "images" in arrays and "features" in arrays:
        fail(source, "features", "is there beside `images`", "keep one of the two")
    if "images" not in arrays and "features" not in arrays:
        fail(source, "images", "is missing, and so is `features`", "add one of the two")
    if "annotator_ids" in arrays and "annotator_labels" not in arrays:
        fail(source, "annotator_ids", "is there without `annotator_labels`", "add these or remove it")


def check_lengths(arrays: dict[str, np.ndarray], source: str) -> None:
    """Every array with one row an item has as many rows as there are labels, or else inputs, at least two."""
    first = next(name for name in ("labels", "images", "features") if name in arrays)
    rows = len(arrays[first]) if arrays[first].ndim else 0
    if rows < 2:
        problem = "is empty" if not rows else "has one row"
        fail(source, first, problem, "a dataset needs at least two items")
    for name in sorted(arrays.keys() - {first, "class_names", "annotator_ids"}):
        if not arrays[name].ndim or len(arrays[name]) != rows:
            found = len(arrays[name]) if arrays[name].ndim else "no"
            fail(source, name, f"has {found} rows where `{first}` has {rows}", "each item needs one row")


def check_features(features: np.ndarray, source: str) -> np.ndarray:
    """(N, D) finite numbers, as float32."""
    _numeric(features, "features", source)
    if features.ndim != 2 or not features.shape[1]:
        fail(source, "features", f"has shape {features.shape}", "its shape must be (items, features)")
    _finite(features, "features", source)
    with np.errstate(over="ignore"):
        converted = features.astype(np.float32)
    _finite(converted, "features", source)
    return converted


def check_images(images: np.ndarray, source: str) -> np.ndarray:
    """Images as (N, H, W, 1 or 3 channels) uint8.

    Args:
        images: (N, H, W) or (N, H, W, 1, 3 or 4 channels), of which a fourth is opacity, over white.
            Brightness is whole numbers to 255, or to 65,535 as uint16, or real numbers to 1 or to 255: the
            lesser of the two that holds all.
        source: the file or name that errors give.
    """
    _numeric(images, "images", source)
    _finite(images, "images", source)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or not images.size:
        mend = "its shape must be (images, height, width) or (images, height, width, 1, 3 or 4 channels)"
        if images.ndim == 4 and images.shape[1] in (1, 3, 4) and images.size:
            mend = f"channels come last, so store images.transpose(0, 2, 3, 1); {mend}"
        fail(source, "images", f"has shape {images.shape}", mend)
    images = _eight_bits(images, source)
    return over_white(images) if images.shape[-1] == 4 else images


def _eight_bits(images: np.ndarray, source: str) -> np.ndarray:
    """Brightness as 0 to 255, rounded."""
    if images.dtype == np.uint8:
        return images
    lowest, highest = images.min(), images.max()
    limits = (1, 255) if images.dtype.kind == "f" else (255, 65535) if images.dtype == np.uint16 else (255,)
    white = next((limit for limit in limits if highest <= limit), None)
    mend = "store it as 0 to 255 (uint8), 0 to 65535 (uint16) or 0 to 1 (real numbers)"
    if lowest < 0 or white is None:
        row = first_row((images < 0) | (images > limits[-1]))
        fail(source, "images", f"holds brightness from {lowest} to {highest}, first in row {row}", mend)
    if white == 255 and limits[0] == 1 and highest < 2:  # 0 to 1 with overshoot, which would turn black
        fail(
            source, "images", f"holds brightness to {highest}, neither 0 to 1 nor 0 to 255", f"clip or {mend}"
        )
    scaled = np.empty(images.shape, dtype=np.uint8)
    for row, image in enumerate(images):  # one by one: floats of all would be eight times as large
        scaled[row] = np.rint(image * (255 / white))
    return scaled


def check_whole(array: np.ndarray, name: str, dimensions: int, lowest: int, source: str) -> np.ndarray:
    """Whole numbers from ``lowest`` to a million, whatever their dtype, as int64."""
    _numeric(array, name, source)
    if array.ndim != dimensions:
        shape = "(items,)" if dimensions == 1 else "(items, columns)"
        fail(source, name, f"has shape {array.shape}", f"its shape must be {shape}")
    _finite(array, name, source)
    for wrong, mend in (
        (array != np.floor(array), "every entry must be a whole number"),
        (array < lowest, f"the smallest valid entry is {lowest}"),
        (array > HIGHEST, f"no class number or count of votes is above {HIGHEST:,}"),
    ):
        if wrong.any():
            row = first_row(wrong)
            fail(source, name, f"holds {array[row][wrong[row]].flat[0]} in row {row}", mend)
    return array.astype(np.int64)


def by_name(arrays: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """The same with class numbers where labels (N,) are names; empty ones are none."""
    labels = arrays["labels"]
    if "class_names" in arrays:
        names = check_class_names(arrays["class_names"], source)
    else:
        names = tuple(str(name) for name in np.unique(labels) if name)
        folded: dict[str, str] = {}
        for name in names:
            other = folded.setdefault(name.strip().casefold(), name)
            if other != name:
                mend = "spell it in one way, or list both in `class_names` if they are not the same"
                fail(source, "labels", f"holds {other!r} and {name!r}", mend)
    place = {name: number for number, name in enumerate(names)} | {"": -1}
    known = np.array([str(label) in place for label in labels.flat]).reshape(labels.shape)
    if not known.all():
        row = first_row(~known)
        mend = f"add it to `class_names` ({nearest(str(labels[row]), list(names))})"
        fail(source, "labels", f"holds {str(labels[row])!r} in row {row}, which is no class", mend)
    numbers = np.array([place[str(label)] for label in labels.flat], dtype=np.int64).reshape(labels.shape)
    return {**arrays, "labels": numbers, "class_names": np.array(names)}


def check_labels(labels: np.ndarray, source: str) -> np.ndarray:
    """(N,) class indices as int64, -1 where there is none (or NaN)."""
    return check_whole(_numbered(labels), "labels", 1, -1, source)


def check_answers(answers: np.ndarray, source: str) -> np.ndarray:
    """(N, R) class indices as int64, -1 where there is none (or NaN)."""
    answers = check_whole(_numbered(answers), "annotator_labels", 2, -1, source)
    if not answers.size:
        fail(source, "annotator_labels", f"has shape {answers.shape}", "give it a column an answer")
    return answers


def _numbered(array: np.ndarray) -> np.ndarray:
    """Numbers with -1 instead of NaN."""
    return np.where(np.isnan(array), -1, array) if array.dtype.kind == "f" else array


def check_class_names(names: np.ndarray, source: str) -> tuple[str, ...]:
    """C distinct names."""
    if names.ndim != 1:
        fail(source, "class_names", f"has shape {names.shape}", "its shape must be (classes,)")
    words = tuple(str(name) for name in names)
    if repeated := [word for at, word in enumerate(words) if word in words[:at]]:
        fail(source, "class_names", f"holds {repeated[0]!r} twice", "give each class its own name")
    return words


def check_classes(labels: np.ndarray, names: tuple[str, ...], source: str) -> None:
    """At least two classes, and every label among them."""
    classes = len(names)
    if classes < 2:
        known = f"one class, {names[0]!r}," if names else "no class"
        raise DataError(f"{source} knows {known} where a dataset needs two at least; add items of another.")
    if classes > MANY_CLASSES and classes > len(labels):
        raise DataError(
            f"{source} knows {classes:,} classes of {len(labels):,} items, which are no classes to learn; "
            "number them from 0 on without gaps, or give fewer."
        )
    if (labels >= classes).any():
        row = first_row(labels >= classes)
        mend = f"with {classes} classes, labels run from 0 to {classes - 1}"
        fail(source, "labels", f"holds {labels[row]} in row {row}", mend)


def check_votes(votes: np.ndarray, source: str) -> np.ndarray:
    """(N, C) counts as int64, or shares as float64; a row of NaN is one without votes."""
    _numeric(votes, "votes", source)
    votes = votes.astype(np.float64) if votes.dtype.kind == "f" else votes
    if votes.dtype.kind == "f" and votes.ndim == 2:
        votes = np.where(np.isnan(votes).all(axis=1, keepdims=True), 0, votes)
    if votes.dtype.kind == "f" and votes.ndim == 2 and np.isfinite(votes).all() and (votes % 1).any():
        return votes.astype(np.float64)
    return check_whole(votes, "votes", 2, 0, source)


def check_ids(ids: np.ndarray | None, matched: bool, source: str) -> np.ndarray | None:
    """(N,) what items are called, no two the same where answers are matched by it."""
    if ids is not None:
        _one_an_item(ids, "item_ids", source)
    if ids is None or not matched:
        return ids
    names, times = np.unique(ids, return_counts=True)
    if (times > 1).any():
        rows = np.flatnonzero(ids == names[times > 1][0])
        problem = f"holds {str(names[times > 1][0])!r} in rows {rows[0]} and {rows[1]}"
        fail(source, "item_ids", problem, "give each item its own name")
    return ids


def check_groups(groups: np.ndarray | None, source: str) -> np.ndarray | None:
    """(N,) the group of each item, none of them NaN."""
    if groups is not None:
        _one_an_item(groups, "groups", source)
        none = nobody(groups)
        if none.any():
            mend = "give each item a group, if only its own"
            fail(source, "groups", f"names none in row {first_row(none)}", mend)
    return groups


def nobody(names: np.ndarray) -> np.ndarray:
    """Whether a name is none: NaN, empty, or the text "nan"."""
    if names.dtype.kind == "f":
        return np.isnan(names)
    if names.dtype.kind == "U":
        return np.isin(np.char.strip(names), ("", "nan", "NaN"))
    return np.zeros(names.shape, dtype=bool)


def check_held_out(mask: np.ndarray | None, source: str) -> np.ndarray | None:
    """(N,) whether an item is for testing only, with some of either kind."""
    if mask is None:
        return None
    _one_an_item(mask, "held_out", source)
    if not np.isin(mask, (0, 1)).all() or len(np.unique(mask)) < 2:
        problem = "must hold True or 1 for test items and False or 0 for the others, and some of each"
        fail(source, "held_out", problem, "mark the items that nobody may train on")
    return mask.astype(bool)


def _one_an_item(array: np.ndarray, name: str, source: str) -> None:
    if array.ndim != 1:
        fail(source, name, f"has shape {array.shape}", "its shape must be (items,)")


def first_row(wrong: np.ndarray) -> int:
    """Index of the first row with a true entry."""
    return int(np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))[0])


def _numeric(array: np.ndarray, name: str, source: str) -> None:
    if array.dtype.kind not in "iuf":
        fail(source, name, f"has dtype {array.dtype}", "it must hold numbers")


def _finite(array: np.ndarray, name: str, source: str) -> None:
    if array.ndim and not (finite := np.isfinite(array)).all():
        fail(source, name, f"is not finite in row {first_row(~finite)}", "replace NaN and infinities")
