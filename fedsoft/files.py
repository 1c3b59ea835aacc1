"""Reading and writing files: whole or not at all, and never pickle."""

import csv
import errno
import hashlib
import io
import json
import os
import stat
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.errors import StoreError

DAMAGED = (
    ValueError, OSError, EOFError, RuntimeError, MemoryError, SyntaxError, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading an .npz file that is none may raise."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part.

    Raises:
        StoreError: the file cannot be written; what was there before is unharmed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}); choose another folder, or make room."
        ) from None


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, content.encode(errors="backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON document atomically; NaN and infinities are kept (Python's JSON dialect)."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays atomically; arrays of objects are refused, so reading never unpickles."""
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype == object]:
        raise StoreError(f"{path}: cannot store Python objects ({', '.join(objects)}); use plain arrays.")
    buffer = io.BytesIO()
    np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table with a header line atomically."""
    write_text(path, csv_lines([columns]) + csv_lines(rows))


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as lines of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's content in hexadecimal, read once a process until the file changes.

    Raises:
        OSError: the file is missing, is none, or cannot be read.
    """
    found = _only_file(path)
    return _content_hash(path, found.st_mtime_ns, found.st_size)


def _only_file(path: Path) -> os.stat_result:
    """Refuse what is no file, such as a pipe, from which nothing may ever come."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return found


@lru_cache(maxsize=100_000)
def _content_hash(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Read a JSON document.

    Raises:
        StoreError: the file is missing or is not JSON.
    """
    try:
        _only_file(path)
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not valid JSON ({error}); delete it and run again.") from None


def read_npz(path: Path, parts: Sequence[str] = ("",)) -> dict[str, np.ndarray]:
    """Read named arrays, of which there may be more than is wanted; pickled objects are refused.

    Args:
        path: the file.
        parts: what the names of wanted arrays begin with.

    Raises:
        StoreError: the file is missing or damaged, or an array, which the message names, is pickled.
    """
    try:
        _only_file(path)
        with zipfile.ZipFile(path) as archive:
            return {
                name.removesuffix(".npy"): _read_array(path, archive, name)
                for name in archive.namelist()
                if name.startswith(tuple(parts))
            }
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist.") from None
    except DAMAGED as error:
        raise StoreError(
            f"{path} is damaged or not an .npz file ({error}); replace it, or delete it and run again."
        ) from None


def _read_array(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        try:
            return np.lib.format.read_array(member, allow_pickle=False)
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise StoreError(
                f"{path}: array {name.removesuffix('.npy')!r} holds pickled Python objects, which fedsoft "
                "never loads; save plain numbers or text."
            ) from None
