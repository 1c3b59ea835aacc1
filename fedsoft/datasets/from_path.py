"""The user's own data by where they lie."""

from pathlib import Path
from typing import Any

from fedsoft.errors import DataError

INPUTS = ".npz"


def choice_of(path: Path) -> dict[str, Any]:
    """How a study file would name the data in a place: a folder of images, an .npz, or a file of answers.

    Raises:
        DataError: there is nothing.
    """
    if path.is_dir() and not list(path.glob("*.jsonl")):
        return {"name": "folder", "path": str(path)}
    if path.suffix.lower() == INPUTS:
        return {"name": "npz", "path": str(path)}
    if not path.exists():
        raise DataError(f"{path} does not exist; name a file, a folder, or a dataset of `fedsoft data list`.")
    return {"name": "answers", "path": str(path)}
