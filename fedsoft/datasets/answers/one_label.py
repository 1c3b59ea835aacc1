"""Labels of which each item has one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedsoft.datasets.answers.naming import listed, numbered
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.spelling import BLANK, path_key, trimmed, without_bytes, without_decimals
from fedsoft.errors import DataError
from fedsoft.plural import plural


def one_an_item(raw: RawAnswers, classes: Sequence[str]) -> RawAnswers:
    """Labels of which each item has one; DataError if it has two that differ."""
    given = [i for i, name in enumerate(raw.classes) if trimmed(name) not in BLANK - set(classes)]
    told = raw.told
    if empty := len(raw.items) - len(given):
        told = (*told, f"{name_of(raw.where)}: {plural(empty, 'row')} without a label left out.")
    named, spelling = numbered(path_key(trimmed(raw.items[i])) for i in given)
    items, place = numbered(without_decimals(named))
    item = place[spelling]
    spelt, code = numbered(without_bytes(trimmed(raw.classes[i])) for i in given)
    labels, place = numbered(without_decimals(spelt, words=True))
    label = place[code]
    numbers = raw.numbers[given]
    first = np.unique(item, return_index=True)[1]
    unlike = np.flatnonzero(label != label[first[item]])
    if len(unlike):
        words = [
            f"{items[item[row]]!r} is {labels[label[first[item[row]]]]!r} in {raw.place} "
            f"{numbers[first[item[row]]]} and {labels[label[row]]!r} in {raw.place} {numbers[row]}"
            for row in unlike.tolist()
        ]
        raise DataError(f"{raw.where} gives an item two labels: {listed(words)}; remove the wrong one.")
    if again := len(item) - len(items):
        repeat = "repeats" if again == 1 else "repeat"
        told = (
            *told,
            f"{name_of(raw.where)}: {plural(again, 'row')} {repeat} an item's label, left out.",
        )
    keep = np.array(given, dtype=np.int64)[np.sort(first)]
    return replace(
        raw,
        items=[raw.items[i] for i in keep.tolist()],
        classes=[raw.classes[i] for i in keep.tolist()],
        numbers=raw.numbers[keep],
        told=told,
    )
