"""Whether what a finished run left is still what it wrote."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedsoft.errors import StoreError
from fedsoft.files import content_hash, read_json

FILES = ("settings.json", "model.npz", "predictions.npz", "rounds.json")
"""What a finished run leaves beside its record, in the order in which it is written."""
RECORD = "run.json"
"""The record, which is written last and names the content of all files."""


def sealed(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its folder's name and the SHA-256, in hexadecimal, of its run's files and of itself."""
    record = {**record, "folder": folder.name}
    files = {name: content_hash(folder / name) for name in FILES}
    return {**record, "files": {**files, RECORD: hash_of({**record, "files": files})}}


def damage(folder: Path) -> str | None:
    """What of a finished run is not as it was written, as a path and a phrase; None where all is.

    Contents are read once a process, and again when a file changes.
    """
    try:
        told = _told(folder / RECORD, content_hash(folder / RECORD))
    except (StoreError, OSError):
        told = None
    if told is None:
        return f"{folder / RECORD} is not the record of a run"
    name, expected = told
    if name not in (None, folder.name):
        return f"{folder} holds another run's files"
    for name in FILES:
        try:
            found = content_hash(folder / name)
        except OSError:
            return f"{folder / name} is gone or cannot be read"
        if found != expected[name]:
            return f"{folder / name} is not what its run wrote"
    return None


Told = tuple[str | None, dict[str, str]]
"""The name of a run's folder, which early records lack, and the hashes of its files by name."""

_seen: dict[tuple[Path, str], Told | None] = {}


def _told(path: Path, content: str) -> Told | None:
    """What a run's record, of a content with that hash, tells; None where it is damaged."""
    if (path, content) not in _seen:
        _seen[path, content] = _read(read_json(path))
    return _seen[path, content]


def _read(record: Any) -> Told | None:
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        return None
    files = dict(record["files"])
    own = files.pop(RECORD, None)
    whole = files.keys() == set(FILES) and own == hash_of({**record, "files": files})
    return (record.get("folder"), files) if whole else None


def hash_of(record: Mapping[str, Any]) -> str:
    """The SHA-256 of a record, in hexadecimal."""
    return hashlib.sha256(json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode()).hexdigest()
