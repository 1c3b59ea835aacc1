"""The answers in one file: a table of text, or the export of a tool, recognised by its content."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fedsoft.datasets.answers.argilla import argilla, is_argilla
from fedsoft.datasets.answers.csv_answers import table_answers
from fedsoft.datasets.answers.doccano import doccano, is_doccano
from fedsoft.datasets.answers.entries import Entries, Entry, is_json, read_entries
from fedsoft.datasets.answers.label_studio import is_flat, is_label_studio, label_studio
from fedsoft.datasets.answers.naming import quoted
from fedsoft.datasets.answers.options import ROLES, AnswerOptions
from fedsoft.datasets.answers.prodigy import is_prodigy, prodigy
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.records import are_records, record_answers
from fedsoft.datasets.answers.table import Table, open_table
from fedsoft.datasets.answers.text import encoding_of
from fedsoft.errors import DataError

TOOLS: dict[str, tuple[str, Callable[[Entry], bool]]] = {
    "label_studio": ("Label Studio", is_label_studio),
    "argilla": ("Argilla", is_argilla),
    "prodigy": ("Prodigy", is_prodigy),
    "doccano": ("doccano", is_doccano),
}
"""What exports are known, and how their entries are recognised; the last is the least particular."""

LOOKED_AT = 100
"""Entries that are looked at to recognise a tool."""


def answers_of(file: Path, data: bytes, options: AnswerOptions) -> RawAnswers:
    """The answers in one file."""
    if is_json(data, encoding_of(data, file, options.encoding)):
        return _of_entries(read_entries(data, file, options.encoding), options)
    table = open_table(data, file, options, ROLES)
    named = options.columns is not None and "label" in options.columns
    if (
        options.answers_format in (None, "label_studio")
        and not named
        and is_flat(dict.fromkeys(table.header))
    ):
        return with_tool(label_studio(_entries_of(table), options), "label_studio", options, table.told)
    return table_answers(table, options)


def _of_entries(entries: Entries, options: AnswerOptions) -> RawAnswers:
    """The answers in a JSON file, read as the tool wrote them that it is of."""
    tool = options.answers_format or tool_of(entries, options)
    if tool == "csv":
        return record_answers(entries, options)
    if "label" in (options.columns or {}):
        raise DataError(
            f"{entries.file} is an export of {TOOLS[tool][0]}, whose questions `field` names; leave label "
            "out of `columns`."
        )
    if tool == "doccano":
        raw = doccano([(None, entries)], entries.file, options)
    else:
        raw = {"label_studio": label_studio, "argilla": argilla, "prodigy": prodigy}[tool](entries, options)
    if not raw.items:
        more = f" ({' '.join(raw.told)})" if raw.told else ""
        raise DataError(
            f"{entries.file}, read as an export of {TOOLS[tool][0]}, holds no answer{more}; export it again, "
            "with the answers, or name the tool by `answers_format`."
        )
    return with_tool(raw, tool, options)


def tool_of(entries: Entries, options: AnswerOptions) -> str:
    """The tool that wrote entries; "csv" where each is an answer by itself."""
    seen = [entry for _, entry in entries.numbered[:LOOKED_AT]]
    if all(are_records(entry, options) for entry in seen) and not any(map(is_flat, seen)):
        return "csv"
    for tool, (_, recognises) in TOOLS.items():
        if any(recognises(entry) for entry in seen):
            return tool
    keys = quoted(list(seen[0])) or "nothing"
    raise DataError(
        f"{entries.file} is of no tool that is known; its entries hold {keys}: say which is which by "
        'columns = { item = "…", annotator = "…", label = "…" }, or the tool by `answers_format`.'
    )


def _entries_of(table: Table) -> Entries:
    """The rows of a table as entries."""
    rows = [(number, dict(zip(table.header, row, strict=False))) for number, row in table.rows()]
    return Entries(table.file, "line", rows)


def with_tool(raw: RawAnswers, tool: str, options: AnswerOptions, before: tuple[str, ...] = ()) -> RawAnswers:
    """With a sentence on the tool, where it was recognised."""
    if options.answers_format is not None:
        return replace(raw, told=(*before, *raw.told))
    words = f"{name_of(raw.where)}: read as an export of {TOOLS[tool][0]}; `answers_format` says otherwise."
    return replace(raw, told=(words, *before, *raw.told))
