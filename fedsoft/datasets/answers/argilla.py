"""Exports of Argilla: records of version 2, nested or flattened, feedback records and records of version 1.

Formats as in https://docs.argilla.io (2.x: `Dataset.records.to_list`, `to_json`) and
https://docs.v1.argilla.io.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fedsoft.datasets.answers.entries import Entries, Entry, item_of, objects, text_of
from fedsoft.datasets.answers.fields import chosen_field
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import Gathered, RawAnswers

NESTED = ".responses"


class Response(NamedTuple):
    """One person's response to one question."""

    question: str
    value: Any
    user: str | None
    status: str


def is_argilla(entry: Entry) -> bool:
    """Whether an entry is a record with fields and responses, or one of version 1."""
    return (
        ("fields" in entry and bool({"responses", "suggestions"} & set(entry)))
        or isinstance(entry.get("responses"), dict | list)
        or any(key.endswith(NESTED) for key in entry)
        or "annotation_agent" in entry
        or any(_are_responses(value) for value in entry.values())
    )


def argilla(entries: Entries, options: AnswerOptions) -> RawAnswers:
    """The submitted responses to one question of an export.

    Raises:
        DataError: it holds several questions, or an item has no name.
    """
    named = (options.columns or {}).get("item")
    found = [(number, entry, list(_responses(entry))) for number, entry in entries.numbered]
    field = chosen_field((r.question for *_, given in found for r in given), options.field, entries.file)
    gathered = Gathered()
    for number, entry, given in found:
        fields, metadata = _part(entry, "fields", "inputs"), _part(entry, "metadata")
        for response in given:
            if response.question != field:
                continue
            if response.status not in ("submitted", "validated"):
                gathered.skipped[f"{response.status} by the annotator"] += 1
            elif (chosen := _classes(response.value)) is None:
                gathered.skipped["rankings or spans, which sort no whole item"] += 1
            else:
                item = item_of(entries.file, named, [fields, metadata, entry], [fields, entry, metadata])
                gathered.choose(item, response.user, chosen, number)
    return gathered.raw(str(entries.file), entries.place)


def _responses(entry: Entry) -> Iterator[Response]:
    """All responses of a record, whichever way its version writes them."""
    if "annotation_agent" in entry or ("annotation" in entry and "prediction" in entry):
        if entry.get("annotation") is not None or entry.get("status") == "Discarded":
            status = str(entry.get("status") or "validated").lower()
            user = entry.get("annotation_agent")
            yield _response(
                "annotation", entry.get("annotation"), user, status.replace("default", "validated")
            )
        return
    responses = entry.get("responses")
    if isinstance(responses, dict):
        for question, given in responses.items():
            for one in objects(given):
                yield _response(question, one.get("value"), one.get("user_id"), one.get("status"))
    for given in objects(responses):
        values = given["values"] if isinstance(given.get("values"), dict) else {}
        for question, value in values.items():
            value = value.get("value") if isinstance(value, dict) else value
            yield _response(question, value, given.get("user_id"), given.get("status"))
    for key, values in entry.items():
        if key.endswith(NESTED) and isinstance(values, list):
            users, statuses = entry.get(f"{key}.users") or [], entry.get(f"{key}.status") or []
            for i, value in enumerate(values):
                user = users[i] if i < len(users) else None
                yield _response(
                    key.removesuffix(NESTED), value, user, statuses[i] if i < len(statuses) else None
                )
        elif key != "responses" and _are_responses(values):
            yield from (_response(key, r["value"], r["user_id"], r.get("status")) for r in values)


def _response(question: str, value: Any, user: Any, status: Any) -> Response:
    return Response(question, value, None if user is None else str(user), str(status or "submitted").lower())


def _are_responses(value: Any) -> bool:
    """Whether a value is a list of responses, as feedback records on the hub hold them."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(part, dict) and {"user_id", "value"} <= set(part) for part in value)
    )


def _classes(value: Any) -> list[str] | None:
    """The classes of a response; None for rankings and spans."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(part, dict | list) for part in values):
        return None
    return [text_of(part) for part in values if part not in (None, "")]


def _part(entry: Entry, *keys: str) -> Entry:
    """The first of some objects in an entry that there is."""
    return next((entry[key] for key in keys if isinstance(entry.get(key), dict)), {})
