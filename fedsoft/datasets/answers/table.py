"""The rows of a table of text, whatever separates its columns."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fedsoft.datasets.answers.columns import find_columns
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.text import encoding_of
from fedsoft.errors import DataError
from fedsoft.plural import plural

DELIMITERS = (",", ";", "\t", "|")
SPELT = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar", " ": "a space"}
LONGEST = 2**27
"""Characters of one cell: pictures are sometimes written into one."""


@dataclass(frozen=True)
class Table:
    """A table whose rows are read one after the other.

    Attributes:
        file: where it lies.
        data: its bytes.
        encoding: theirs.
        delimiter: between columns.
        header: the names of the columns.
        told: what was recognised that is not plain.
    """

    file: Path
    data: bytes
    encoding: str
    delimiter: str
    header: list[str]
    told: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row after the header that is not empty: the line it starts in, and as many cells as columns.

        Raises:
            DataError: a row has more cells than there are columns, or quotes that do not end.
        """
        columns = len(self.header)
        with _long_cells():
            lines = _lines(self.data, self.encoding, self.delimiter, self.file)
            next(lines, None)
            for number, row in lines:
                if len(row) != columns:
                    if len(row) > columns and any(cell.strip() for cell in row[columns:]):
                        self._too_many(number, row)
                    row = row[:columns] + [""] * (columns - len(row))
                yield number, row

    def _too_many(self, number: int, row: list[str]) -> None:
        text, columns = self.delimiter.join(row), len(self.header)
        shown = text if len(text) <= 80 else text[:79] + "…"
        mark = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(self.delimiter, "delimiters")
        raise DataError(
            f"{self.file} has {len(row)} cells in line {number} ({shown!r}) where its first line names "
            f'{plural(columns, "column")}; put text that holds {mark} into quotes ("…"), or export it with '
            "another delimiter."
        )


def open_table(data: bytes, file: Path, options: AnswerOptions, roles: tuple[str, ...]) -> Table:
    """A table with its encoding, delimiter and header, as the options say or recognised.

    Args:
        data: the content of the file.
        file: where it lies.
        options: what the user says of it.
        roles: the columns that are looked for, which tell the delimiter.

    Raises:
        DataError: it is empty, or no text.
    """
    encoding = encoding_of(data, file, options.encoding)
    told = []
    if encoding != "utf-8" and options.encoding is None and encoding != "utf-8-sig":
        told.append(f"{file.name}: read as {encoding}; `encoding` says otherwise.")
    delimiter = options.delimiter or _delimiter(data, encoding, file, options, roles)
    if delimiter != "," and options.delimiter is None:
        told.append(
            f"{file.name}: its columns stand apart by {SPELT[delimiter]}; `delimiter` says otherwise."
        )
    header = next(_lines(data, encoding, delimiter, file), (1, []))[1]
    if not header:
        raise DataError(
            f"{file} is empty; it needs a first line that names its columns, and one row an answer."
        )
    while header and not header[-1].strip():
        header = header[:-1]
    return Table(file, data, encoding, delimiter, [name.strip() for name in header], tuple(told))


def _delimiter(data: bytes, encoding: str, file: Path, options: AnswerOptions, roles: tuple[str, ...]) -> str:
    """The one under which the first line names most of the columns that are looked for, then most columns."""

    def fit(delimiter: str) -> tuple[int, int]:
        header = next(_lines(data, encoding, delimiter, file), (1, []))[1]
        return len(find_columns(header, options.columns, roles)), len(header)

    return max(DELIMITERS, key=fit)


def _lines(data: bytes, encoding: str, delimiter: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, each with the line that it starts in; a spreadsheet's "sep=;" is no row."""
    with io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="") as text:
        spaced = f"{delimiter} " in text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter, skipinitialspace=spaced)
        number = before = 0
        try:
            for row in reader:
                number, before = before + 1, reader.line_num
                if _holds_anything(row) and not (number == 1 and row[0].lower().startswith("sep=")):
                    yield number, row
        except csv.Error as error:
            mend = "close its quotes, or export the file again"
            raise DataError(f"{file} cannot be read from line {before + 1} on ({error}); {mend}.") from None
        if before > number:
            text.seek(0)
            _check_closed(islice(text, number - 1, None), delimiter, number, file)


def _holds_anything(row: list[str]) -> bool:
    """Whether a row is more than a blank line or empty cells."""
    return bool(row) and (bool(row[0].strip()) or any(cell.strip() for cell in row))


def _check_closed(lines: Iterator[str], delimiter: str, number: int, file: Path) -> None:
    """The quotes of the last row end, which otherwise would hold all that follows them."""
    try:
        list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise DataError(f"{file} opens quotes in line {number} that never close; close them.") from None


@contextmanager
def _long_cells() -> Iterator[None]:
    """Cells of any length are read."""
    usual = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def decimal(text: str, delimiter: str) -> float:
    """A number, with a decimal comma where commas do not separate columns, or of percent.

    Raises:
        ValueError: it is none.
    """
    share = text.removesuffix("%").strip()
    if delimiter != ",":
        share = share.replace(",", ".")
    return float(share) / (100 if text.endswith("%") else 1)
