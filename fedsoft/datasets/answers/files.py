"""The files that hold answers: one, or those of several people in a folder or ZIP archive."""

import io
import zipfile
from pathlib import Path

from fedsoft.datasets.answers.text import content
from fedsoft.errors import DataError

KINDS = (".jsonl", ".json", ".csv", ".tsv", ".txt")


def files_in(path: Path) -> list[tuple[Path, bytes]]:
    """Each file of answers with its content: the file itself, or those in a folder or archive, by name.

    Raises:
        DataError: nothing can be read there, or it holds no file of answers.
    """
    if path.is_dir():
        names = [file for file in sorted(path.iterdir()) if file.is_file() and _holds_answers(file)]
        return [(file, content(file)) for file in names] or _none(path, "folder")
    data = content(path)
    if not data.startswith(b"PK\x03\x04"):
        return [(path, data)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(name.startswith("xl/") for name in archive.namelist()):
                raise DataError(f"{path} is an Excel workbook; save its sheet as CSV (UTF-8).")
            names = [Path(info.filename) for info in archive.infolist() if not info.is_dir()]
            kept = sorted(name for name in names if _holds_answers(name))
            return [(path / name, archive.read(name.as_posix())) for name in kept] or _none(path, "archive")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise DataError(f"{path} is no ZIP archive that can be read ({error}); export it again.") from None


def _holds_answers(file: Path) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in file.parts)
    return file.suffix.lower() in KINDS and not (hidden and not file.is_absolute())


def _none(path: Path, kind: str) -> list[tuple[Path, bytes]]:
    raise DataError(
        f"{path} is a {kind} without answers; name a CSV or JSON file, or put one a person there."
    )
