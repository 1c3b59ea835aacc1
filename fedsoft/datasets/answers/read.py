"""Answers and labels from whatever file they lie in."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fedsoft.datasets.answers.csv_answers import csv_answers
from fedsoft.datasets.answers.naming import listed, numbered
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.spelling import path_key, trimmed, without_bytes
from fedsoft.datasets.answers.text import content
from fedsoft.errors import DataError
from fedsoft.plural import plural

__all__ = ["RawAnswers", "read_answers", "read_labels"]


def read_answers(file: Path, options: AnswerOptions) -> RawAnswers:
    """The answers in a file.

    Raises:
        DataError: there is none, or it cannot be read as the options say.
    """
    return _with_people_told(csv_answers(content(file), file, options))


def read_labels(file: Path, options: AnswerOptions) -> RawAnswers:
    """The labels in a table of items and labels, one an item.

    Raises:
        DataError: it cannot be read, or an item has two labels.
    """
    raw = csv_answers(content(file), file, options, ("item", "label"))
    return _one_an_item(raw)


def _with_people_told(raw: RawAnswers) -> RawAnswers:
    if raw.annotators is not None:
        return raw
    words = "does not say who answered, so nothing can be said of people"
    return replace(raw, told=(*raw.told, f"{name_of(raw.where)} {words}."))


def _one_an_item(raw: RawAnswers) -> RawAnswers:
    """Labels of which each item has one; DataError if it has two that differ."""
    items, item = numbered(path_key(trimmed(name)) for name in raw.items)
    labels, label = numbered(without_bytes(trimmed(name)) for name in raw.classes)
    first = np.unique(item, return_index=True)[1]
    unlike = np.flatnonzero(label != label[first[item]])
    if len(unlike):
        words = [
            f"{items[item[row]]!r} is {labels[label[first[item[row]]]]!r} in {raw.place} "
            f"{raw.numbers[first[item[row]]]} and {labels[label[row]]!r} in {raw.place} {raw.numbers[row]}"
            for row in unlike[:10].tolist()
        ]
        raise DataError(f"{raw.where} gives an item two labels: {listed(words)}; remove the wrong one.")
    told = raw.told
    if again := len(item) - len(items):
        told = (*told, f"{name_of(raw.where)}: {plural(again, 'row')} repeat an item's label, left out.")
    keep = np.sort(first)
    return replace(
        raw,
        items=[raw.items[i] for i in keep],
        classes=[raw.classes[i] for i in keep],
        numbers=raw.numbers[keep],
        told=told,
    )
