"""Exports of Label Studio: JSON, JSON-MIN and CSV.

Formats as in https://labelstud.io/guide/export (1.x).
"""

import json
from collections.abc import Iterator
from typing import Any

from fedsoft.datasets.answers.columns import USUAL, plain
from fedsoft.datasets.answers.entries import Entries, Entry, item_of, objects, text_of
from fedsoft.datasets.answers.fields import chosen_field
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import Gathered, RawAnswers

KINDS = ("choices", "rating", "taxonomy", "number")
"""Controls that sort a whole item."""

REGION = frozenset({"x", "y", "start", "end", "points", "rle"})
"""What a value holds that is about a part of an item."""

OWN = frozenset(
    {
        *("annotation_id", "annotator", "created_at", "updated_at", "id", "lead_time", "agreement"),
        *("annotation_history", "inner_id", "completed_by", "comments", "review_status", "annotator_email"),
    }
)
"""What Label Studio adds to each row of a flat export."""


def is_label_studio(entry: Entry) -> bool:
    """Whether an entry is a task with annotations, or a row of a flat export."""
    annotations = _annotations(entry)
    if annotations and "result" in annotations[0]:
        return True
    return ("data" in entry and "annotations" in entry) or is_flat(entry)


def is_flat(entry: Entry) -> bool:
    """Whether an entry, or the columns of a table, are of JSON-MIN or CSV."""
    return "annotation_id" in entry and "annotator" in entry


def label_studio(entries: Entries, options: AnswerOptions) -> RawAnswers:
    """The answers to one question of an export.

    Raises:
        DataError: it holds several questions, or an item has no name.
    """
    if any(is_flat(entry) for _, entry in entries.numbered):
        return _flat(entries, options)
    gathered = Gathered()
    answers = list(_tasks(entries, options, gathered))
    field = chosen_field((name for *_, given in answers for name in given), options.field, entries.file)
    for number, item, who, given in answers:
        gathered.choose(item, who, given.get(field, []) if field else [], number)
    return gathered.raw(str(entries.file), entries.place)


def _annotations(task: Entry) -> list[Entry]:
    """A task's annotations, which old versions called completions."""
    return objects(task.get("annotations", task.get("completions")))


def _tasks(
    entries: Entries, options: AnswerOptions, gathered: Gathered
) -> Iterator[tuple[int, str, str | None, dict[str, list[str]]]]:
    """Each annotation: the task's number, item, who made it, and what it gives each question."""
    named = (options.columns or {}).get("item")
    for number, task in entries.numbered:
        if predictions := objects(task.get("predictions")):
            gathered.skipped["predictions of a model"] += len(predictions)
        if not (annotations := _annotations(task)):
            continue
        data = task["data"] if isinstance(task.get("data"), dict) else {}
        uploaded = {"file": task.get("file_upload")}
        item = item_of(entries.file, named, [data, uploaded], [data, task])
        for annotation in annotations:
            if annotation.get("was_cancelled") or annotation.get("skipped"):
                gathered.skipped["skipped by the annotator"] += 1
            else:
                yield number, item, _person(annotation.get("completed_by")), _given(annotation, gathered)


def _given(annotation: Entry, gathered: Gathered) -> dict[str, list[str]]:
    """What an annotation gives each question about the whole item."""
    given: dict[str, list[str]] = {}
    for result in objects(annotation.get("result")):
        value = result["value"] if isinstance(result.get("value"), dict) else {}
        kind = next((kind for kind in KINDS if kind in value), None)
        if kind is None or REGION & set(value):
            if "from_name" in result:
                gathered.skipped[f"{result.get('type', 'what')}, which sorts no whole item"] += 1
        else:
            given.setdefault(str(result.get("from_name", kind)), []).extend(_classes(value[kind]))
    return given


def _person(by: Any) -> str | None:
    """Who completed an annotation: a number, or the e-mail address or number of a user."""
    if isinstance(by, dict):
        by = next((by[key] for key in ("email", "username", "id") if by.get(key) is not None), None)
    return None if by is None else str(by)


def _classes(value: Any) -> list[str]:
    """The classes in a value, of which choices and taxonomies are lists."""
    if isinstance(value, dict):
        value = next((value[kind] for kind in KINDS if kind in value), None)
    values = value if isinstance(value, list) else [value]
    return [text_of(part) for part in values if part not in (None, "")]


def _flat(entries: Entries, options: AnswerOptions) -> RawAnswers:
    """One annotation a row, its answers beside the task's data."""
    named = (options.columns or {}).get("item")
    gathered = Gathered()
    field = chosen_field(_controls(entries, options), options.field, entries.file)
    for number, row in entries.numbered:
        data = {key: value for key, value in row.items() if key not in OWN and key != field}
        item = item_of(entries.file, named, [data], [data, row])
        who = row.get("annotator", row.get("completed_by"))
        value = row.get(field) if field else None
        gathered.choose(item, _person(who), _classes(_unpacked(value)), number)
    return gathered.raw(str(entries.file), entries.place)


def _unpacked(value: Any) -> Any:
    """A value that a table holds as JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _controls(entries: Entries, options: AnswerOptions) -> list[str]:
    """The columns that may be questions: the one named, those that hold several choices, else usual names."""
    columns = dict.fromkeys(key for _, row in entries.numbered for key in row if key not in OWN)
    if options.field is not None:
        return list(columns)
    packed = {
        key
        for _, row in entries.numbered
        for key in columns
        if isinstance(value := _unpacked(row.get(key)), dict) and any(kind in value for kind in KINDS)
    }
    usual = [key for key in columns if key in packed or plain(key) in USUAL["label"]]
    return usual or [key for key in columns if plain(key) not in USUAL["item"]]
