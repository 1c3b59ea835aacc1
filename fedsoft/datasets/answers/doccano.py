"""Exports of doccano: JSON Lines, of one person each where a folder or archive holds several.

Formats as in https://doccano.github.io/doccano (1.x).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedsoft.datasets.answers.entries import Entries, Entry, item_of, objects, text_of
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import Gathered, Place, RawAnswers

LABELS = ("label", "labels", "cats", "category", "categories")


def is_doccano(entry: Entry) -> bool:
    """Whether an entry has labels as doccano writes them."""
    return (
        any(isinstance(entry.get(key), list | dict | str | int) for key in LABELS) or "annotations" in entry
    )


def doccano(people: Sequence[tuple[str | None, Entries]], where: Path, options: AnswerOptions) -> RawAnswers:
    """The labels of whole items.

    Args:
        people: who labelled, where that is known, with the entries of each.
        where: the file, or what holds the files.
        options: what the user says of them.

    Raises:
        DataError: an item has no name.
    """
    named = (options.columns or {}).get("item")
    gathered = Gathered()
    place: Place = "entry"
    for who, entries in people:
        place = entries.place
        for number, entry in entries.numbered:
            item = item_of(entries.file, named, [entry], [_text(entry)])
            for person, value in _given(entry, who):
                if (shares := _shares(value)) is None:
                    gathered.skipped["spans or objects, which sort no whole item"] += 1
                else:
                    gathered.add(item, person, shares, number)
    return gathered.raw(str(where), place)


def _given(entry: Entry, who: str | None) -> list[tuple[str | None, Any]]:
    """Who gave what: the file's person, or in old exports the user of each annotation."""
    key = next((key for key in LABELS if key in entry), None)
    if key is not None:
        return [(who, entry[key])]
    by_person: dict[str | None, list[Any]] = {}
    for annotation in objects(entry.get("annotations")):
        user = who if annotation.get("user") is None else str(annotation["user"])
        by_person.setdefault(user, []).append(annotation.get("label"))
    return list(by_person.items()) or [(who, None)]


def _shares(value: Any) -> dict[str, float] | None:
    """The shares of classes; None for spans."""
    if isinstance(value, dict):
        if not all(isinstance(share, int | float) for share in value.values()):
            return None
        return {text_of(name): float(share) for name, share in value.items() if share}
    values = [part for part in (value if isinstance(value, list) else [value]) if part not in (None, "", [])]
    if any(isinstance(part, list) and not isinstance(part[0], str) for part in values):
        return None
    names = list(dict.fromkeys(text_of(part[0] if isinstance(part, list) else part) for part in values))
    return {name: 1 / len(names) for name in names}


def _text(entry: Entry) -> Entry:
    """What may name an item that is no file: its text, which old versions called data, or its number."""
    return {key: value for key, value in entry.items() if key not in LABELS} | {
        key: entry[other] for key, other in (("text", "data"),) if "text" not in entry and other in entry
    }
