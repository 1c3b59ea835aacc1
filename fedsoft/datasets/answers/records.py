"""Answers in JSON that no known tool wrote: one object an answer, as tables are exported."""

import math
from collections.abc import Sequence

import numpy as np

from fedsoft.datasets.answers.columns import chosen_columns, find_columns
from fedsoft.datasets.answers.entries import Entries, Entry, text_of
from fedsoft.datasets.answers.options import ROLES, AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers
from fedsoft.errors import DataError


def are_records(entry: Entry, options: AnswerOptions) -> bool:
    """Whether an entry is one answer: an item, a person and a label of one word."""
    keys = list(entry)
    found = find_columns(keys, options.columns, ROLES)
    if not {"item", "label"} <= set(found) or isinstance(entry[keys[found["label"]]], dict | list):
        return False
    return "annotator" in found or options.columns is not None


def record_answers(entries: Entries, options: AnswerOptions, roles: Sequence[str] = ROLES) -> RawAnswers:
    """The answers in objects with an item, a label and, if there are, an annotator and a weight.

    Raises:
        DataError: a key is missing, or a weight is no number.
    """
    keys = list(dict.fromkeys(key for _, entry in entries.numbered for key in entry))
    places, told = chosen_columns(keys, options.columns, roles, entries.file)

    def column(role: str) -> list[str]:
        return [text_of(entry.get(keys[places[role]])) for _, entry in entries.numbered]

    weights = None
    if "weight" in places:
        try:
            weights = np.array([float(word or math.nan) for word in column("weight")])
        except ValueError as error:
            mend = 'correct it, or read no weights: columns = { weight = "" }'
            raise DataError(f"{entries.file} has a weight that is no number ({error}); {mend}.") from None
    return RawAnswers(
        where=str(entries.file),
        place=entries.place,
        items=column("item"),
        annotators=column("annotator") if "annotator" in places else None,
        classes=column("label"),
        weights=weights,
        numbers=np.array([number for number, _ in entries.numbered], dtype=np.int64),
        told=told,
        column=keys[places["label"]],
    )
