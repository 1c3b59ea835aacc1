"""The user's own data by where they lie."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedsoft.datasets.pictures import is_picture
from fedsoft.errors import DataError

INPUTS = ".npz"


def choice_of(path: Path, datasets: Sequence[str] = ()) -> dict[str, Any]:
    """How a study file would name the data in a place.

    A folder of images, an .npz (or a folder that holds one and no images), or answers: a file, or a folder of
    files a person.

    Args:
        path: the place.
        datasets: names that could be meant instead, where there is nothing.

    Raises:
        DataError: there is nothing.
    """
    if not path.exists():
        beside = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        known = [*datasets, *(name for name in beside if not name.startswith("."))]
        close = difflib.get_close_matches(path.name, known, n=1, cutoff=0.5)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(
            f"{path} does not exist{hint}; name a file, a folder, or a dataset of `fedsoft data list`."
        )
    if path.is_dir() and not any(is_picture(file) for file in path.rglob("*")):
        arrays, answers = list(path.glob(f"*{INPUTS}")), list(path.glob("*.jsonl"))
        if len(arrays) == 1:
            return {"name": "npz", "path": str(arrays[0])}
        if answers and not arrays:
            return {"name": "answers", "path": str(path)}
    if path.is_dir():
        return {"name": "folder", "path": str(path)}
    return {"name": "npz" if path.suffix.lower() == INPUTS else "answers", "path": str(path)}
