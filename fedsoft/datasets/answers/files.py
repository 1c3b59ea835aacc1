"""The files that hold answers: one, or those of several people in a folder or ZIP archive."""

import io
import zipfile
import zlib
from pathlib import Path

from fedsoft.datasets.answers.text import content
from fedsoft.errors import DataError

KINDS = (".jsonl", ".json", ".csv", ".tsv", ".txt")
LARGEST = 2 * 10**9
"""Bytes of all answers in an archive, unpacked: a small file can be made to fill any memory."""

PIECE = 2**20


def files_in(path: Path) -> list[tuple[Path, bytes]]:
    """Each file of answers with its content: the file itself, or those in a folder or archive, by name.

    Raises:
        DataError: nothing can be read there, or it holds no file of answers.
    """
    if _is_folder(path):
        names = [file for file in _listed(path) if _holds_answers(file.name) and not file.is_dir()]
        return [(file, content(file)) for file in names] or _none(path, "folder")
    data = content(path)
    if not data.startswith(b"PK\x03\x04"):
        return [(path, data)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpacked(archive, path) or _none(path, "archive")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise DataError(f"{path} is no ZIP archive that can be read ({error}); export it again.") from None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a path that is too long, of which its content will tell
        return False


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}); correct its permissions.") from None


def _unpacked(archive: zipfile.ZipFile, path: Path) -> list[tuple[Path, bytes]]:
    """The files of answers in an archive, by name; DataError if it is a workbook, or too large unpacked."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if any(entry.filename.startswith("xl/") for entry in entries):
        raise DataError(f"{path} is an Excel workbook; save its sheet as CSV (UTF-8).")
    named = [(entry.filename.replace("\\", "/").lstrip("/"), entry) for entry in entries]
    kept = sorted(((name, entry) for name, entry in named if _holds_answers(name)), key=lambda pair: pair[0])
    left = LARGEST
    for name, entry in kept:
        left -= entry.file_size
        if left < 0:
            raise DataError(
                f"{path} holds more than {LARGEST / 1e9:g} GB of answers unpacked, with {name!r}; unpack it "
                "and name the one file that holds the answers."
            )
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{path} holds {name!r}, packed in an unusual way; pack it again as a plain ZIP.")
    return [(path / name, _read(archive, entry)) for name, entry in kept]


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A file of an archive, in pieces, since all at once more is unpacked than the size that it says."""
    with archive.open(entry) as file:
        return b"".join(iter(lambda: file.read(PIECE), b""))


def _holds_answers(name: str) -> bool:
    """Whether a file may hold answers, by its name in a folder or archive; hidden ones never do."""
    parts = [part for part in name.split("/") if part not in (".", "..")]
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return bool(parts) and parts[-1].lower().endswith(KINDS) and not hidden


def _none(path: Path, kind: str) -> list[tuple[Path, bytes]]:
    raise DataError(
        f"{path} is a {kind} without answers; name a CSV or JSON file, or put one a person there."
    )
