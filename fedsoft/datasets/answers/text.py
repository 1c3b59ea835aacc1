"""Text files in whatever encoding people's tools write."""

import codecs
import stat
from pathlib import Path

from fedsoft.errors import DataError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BINARY = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a compressed (gzip) file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database"),
)


def content(file: Path) -> bytes:
    """What is in a file; DataError if it cannot be read, or is a pipe or device, which may never end."""
    try:
        kind = file.stat().st_mode
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a pipe or device"
            raise DataError(f"{file} is {what} and no file; name a file, or copy what it holds into one.")
        return file.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{file} does not exist; correct its path.") from None
    except (OSError, ValueError) as error:  # a path may hold what no path can
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{file} cannot be read ({why}); correct its path or its permissions.") from None


def encoding_of(data: bytes, file: Path, named: str | None = None) -> str:
    """The encoding of a text: as named, by its mark, UTF-16 by its zeros, UTF-8, else Windows-1252.

    Raises:
        DataError: it is no text, or not in the encoding named.
    """
    for start, kind in BINARY:
        if data.startswith(start):
            raise DataError(f"{file} is {kind}; export it again as a CSV or JSON file.")
    marked = next((name for mark, name in MARKS if data.startswith(mark)), None)
    encoding = named or marked or _without_a_mark(data)
    if marked is None and (wide := codecs.lookup(encoding).name) in ("utf-16", "utf-32"):
        guess = _without_a_mark(data)  # streams are not read so without a mark that gives the order of bytes
        encoding = guess if guess.startswith(wide) else f"{wide}-le"
    if encoding == "utf-8" and data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    try:
        data.decode(encoding)
    except UnicodeError:
        told = f"in {named!r}, as `encoding` says" if named else f"in {encoding}, as it seems to be"
        mend = 'name its encoding, such as encoding = "utf-8" or "cp1252", or export it again as UTF-8'
        raise DataError(f"{file} is no text {told}; {mend}.") from None
    return encoding


def _without_a_mark(data: bytes) -> str:
    """UTF-16 where every other byte of what is mostly Latin script is zero, else UTF-8 if valid."""
    start = data[:2000]
    half = len(start) // 2
    if half and start[1::2].count(0) > half / 2:
        return "utf-16-le"
    if half and start[::2].count(0) > half / 2:
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
