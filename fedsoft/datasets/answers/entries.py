"""The entries of a JSON or JSON Lines file, and the items that they are about."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedsoft.datasets.answers.columns import USUAL, plain
from fedsoft.datasets.answers.naming import listed
from fedsoft.datasets.answers.raw import Place
from fedsoft.datasets.answers.text import encoding_of
from fedsoft.errors import DataError

FILES = USUAL["item"][: USUAL["item"].index("question")]
"""Names of what holds a file or an address, which tell images apart better than numbers do."""

WRAPPERS = ("answers", "records", "tasks", "rows", "items", "data")
"""Keys of objects that hold nothing but a list of entries, and what is said of all of them."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Entries:
    """The entries of an export.

    Attributes:
        file: where they lie.
        place: what the numbers count.
        numbered: each with its number, from 1.
    """

    file: Path
    place: Place
    numbered: list[tuple[int, Entry]]


def is_json(data: bytes, encoding: str) -> bool:
    """Whether a text is JSON or JSON Lines, by how it begins."""
    return data[:4000].decode(encoding, errors="ignore").lstrip("\ufeff \t\r\n")[:1] in ("[", "{")


def read_entries(data: bytes, file: Path, encoding: str | None) -> Entries:
    """The entries of a JSON list, of a list that an object wraps, or of JSON Lines.

    Raises:
        DataError: it is no JSON, or holds no entry.
    """
    text = data.decode(encoding_of(data, file, encoding)).lstrip("\ufeff")
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if text.lstrip().startswith("{") and len(lines) > 1 and _ends_an_object(lines[0][1]):
        entries = Entries(file, "line", [(i, _parsed(line, file, i)) for i, line in lines])
    else:
        entries = Entries(file, "entry", list(enumerate(_list_in(_parsed(text, file, 1)), 1)))
    if wrong := [number for number, entry in entries.numbered if not isinstance(entry, dict)]:
        raise DataError(f"{file} holds no object ({{…}}) in {entries.place} {wrong[0]}; export it again.")
    if not entries.numbered:
        raise DataError(f"{file} holds no entry; export it again, with the answers.")
    return entries


def item_of(file: Path, named: str | None, sources: Sequence[Entry], others: Sequence[Entry]) -> str:
    """The name of the item that an entry is about.

    Args:
        file: where the entry lies.
        named: the key that names it, as `columns` says.
        sources: objects of the entry that may name a file or an address, the likeliest first.
        others: those that may name it by text or number, the likeliest first.

    Raises:
        DataError: nothing names it.
    """
    if named:
        for source in (*sources, *others):
            if (name := _usable(source.get(named))) is not None:
                return name
        raise DataError(
            f"{file} has an entry without {named!r}, which `columns` names for the item; it has "
            f"{_keys(*sources, *others)}."
        )
    for usual, objects in ((FILES, sources), (USUAL["item"], others)):
        plainly = [{plain(key): value for key, value in entry.items()} for entry in objects]
        for key in usual:
            for entry in plainly:
                if (name := _usable(entry.get(key))) is not None:
                    return name
    for entry in others:
        for key, value in entry.items():
            if isinstance(value, str) and not key.startswith("_") and (name := _usable(value)) is not None:
                return name
    raise DataError(
        f'{file} does not say which item an entry is about; name what does by columns = {{ item = "…" }}, '
        f"one of {_keys(*others)}."
    )


def _keys(*objects: Entry) -> str:
    names = dict.fromkeys(key for entry in objects for key in entry)
    return listed([repr(key) for key in names]) or "nothing"


def objects(value: Any) -> list[Entry]:
    """The objects in a list; none in anything else."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """A class or name as text: whole numbers without decimals, a path of a taxonomy with slashes."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " / ".join(text_of(part) for part in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _usable(value: Any) -> str | None:
    """A name in a value; None for nothing, for objects, and for pictures written into the file."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    name = str(value)
    return name if name.strip() and not name.startswith("data:") else None


def _ends_an_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parsed(text: str, file: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = line + error.lineno - 1
        raise DataError(f"{file} is no valid JSON in line {place} ({error.msg}); export it again.") from None
    except RecursionError:
        raise DataError(f"{file} is nested too deep to be answers; export it again.") from None
    except ValueError:  # Python reads no whole number of more than some thousands of digits
        raise DataError(
            f"{file} holds a number with too many digits to be read, in or after line {line}; put it "
            'into quotes ("…"), or leave it out.'
        ) from None


def _list_in(value: Any) -> list[Any]:
    """A list, or the list that an object wraps, or the object by itself."""
    if isinstance(value, list):
        return value
    wrapped = [value[key] for key in WRAPPERS if isinstance(value.get(key), list)]
    return wrapped[0] if wrapped else [value]
