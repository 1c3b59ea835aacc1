"""Answers that lie in one file a person, which is named after them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.doccano import doccano
from fedsoft.datasets.answers.entries import is_json, read_entries
from fedsoft.datasets.answers.one_file import answers_of, tool_of, with_tool
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers
from fedsoft.datasets.answers.text import encoding_of
from fedsoft.errors import DataError
from fedsoft.plural import plural


def is_of_doccano(file: Path, data: bytes, options: AnswerOptions) -> bool:
    """Whether a file in a folder or archive is one person's export of doccano."""
    if not is_json(data, encoding_of(data, file, options.encoding)):
        return False
    return (
        options.answers_format or tool_of(read_entries(data, file, options.encoding), options)
    ) == "doccano"


def answers_by_person(files: Sequence[tuple[Path, bytes]], where: Path, options: AnswerOptions) -> RawAnswers:
    """The answers in one file a person, which is named after them: exports of doccano, or tables."""
    named = [(file, data) for file, data in files if file.stem not in ("all", "unknown") and data.strip()]
    people: list[tuple[str | None, Path, bytes]] = [(file.stem, file, data) for file, data in named]
    people = people or [(None, file, data) for file, data in files if file.stem == "all"]
    entries, tables = [], []
    for who, file, data in people:
        if is_of_doccano(file, data, options):
            entries.append((who, read_entries(data, file, options.encoding)))
        else:
            tables.append((who, answers_of(file, data, options)))
    if entries and not tables:
        return with_tool(doccano(entries, where, options), "doccano", options)
    if entries or not tables or any(raw.place != "line" or raw.together is not None for _, raw in tables):
        raise DataError(
            f"{where} holds {plural(len(files), 'file')} that are not all tables or exports of doccano, one "
            "a person; name the one file that holds the answers."
        )
    return _joined(tables, where)


def _joined(tables: Sequence[tuple[str | None, RawAnswers]], where: Path) -> RawAnswers:
    """The answers of several tables, each of the person that it is named after, where it does not say who."""
    weights = [np.ones(len(raw.items)) if raw.weights is None else raw.weights for _, raw in tables]
    told = dict.fromkeys(sentence for _, raw in tables for sentence in raw.told)
    return RawAnswers(
        where=str(where),
        place="line",
        items=[item for _, raw in tables for item in raw.items],
        annotators=[name for who, raw in tables for name in raw.annotators or [who or ""] * len(raw.items)],
        classes=[name for _, raw in tables for name in raw.classes],
        weights=np.concatenate(weights) if any(raw.weights is not None for _, raw in tables) else None,
        numbers=np.concatenate([raw.numbers for _, raw in tables]),
        told=tuple(told),
        column=tables[0][1].column,
    )
