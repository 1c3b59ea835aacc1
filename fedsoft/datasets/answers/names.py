"""The distinct items, answers and people of a file, one spelling each."""

from collections.abc import Sequence

import numpy as np

from fedsoft.datasets.answers.classes import Answered
from fedsoft.datasets.answers.lookalikes import latin
from fedsoft.datasets.answers.naming import at, listed, numbered
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.spelling import (
    fold_key,
    joined,
    path_key,
    trimmed,
    visible,
    whole_number,
    without_bytes,
    without_decimals,
)
from fedsoft.errors import DataError
from fedsoft.plural import plural

NOBODY = ("", "nan", "NaN")
"""What tools write where no person is known."""


def item_names(raw: RawAnswers, told: list[str]) -> tuple[list[str], np.ndarray]:
    """The I items, and (A,) which of them each answer is to; spellings of one path are one item.

    Raises:
        DataError: an answer names no item.
    """
    if raw.matched:
        names, code = numbered(raw.items)
        return names, code
    names, code = _trimmed(raw, raw.items, "item", told)
    if "" in names:
        rows = at(raw.place, raw.numbers[code == names.index("")])
        raise DataError(f"{raw.where} names no item in {rows}; fill it in or remove what is no answer.")
    names, code = _whole_numbers(raw, names, code, "item", told)
    keys = [path_key(name) for name in names]
    if more := len(names) - len(set(keys)):
        words = (
            f"{plural(more, 'item')} spelt in several ways, as './a.png' and 'a.png' are, and taken for one"
        )
        told.append(f"{name_of(raw.where)}: {words}.")
    return joined(names, code, keys)


def answer_names(raw: RawAnswers, said: Sequence[str], told: list[str]) -> tuple[list[str], np.ndarray]:
    """The distinct answers, and (A,) which of them each is; byte strings are read as the text in them.

    Args:
        raw: the answers.
        said: answers whose spelling the data or the user give, the likeliest first.
        told: sentences, to which those on answers are added.
    """
    names, code = _trimmed(raw, raw.classes, "answer", told)
    bare = [without_bytes(name) for name in names]
    changed = [name != other for name, other in zip(names, bare, strict=True)]
    if rows := int(np.bincount(code)[changed].sum()):
        first = changed.index(True)
        words = f"{plural(rows, 'answer')} in byte strings, such as {names[first]}, read as {bare[first]!r}"
        told.append(f"{name_of(raw.where)}: {words}.")
    names, code = joined(bare, code, bare)
    return _whole_numbers(raw, names, code, "answer", told, said)


def _whole_numbers(
    raw: RawAnswers, names: list[str], code: np.ndarray, what: str, told: list[str], said: Sequence[str] = ()
) -> tuple[list[str], np.ndarray]:
    """Names of which `3` and `3.0` are one, in the spelling that is said, else without decimals."""
    spelling = {number: name for name in reversed(said) if (number := whole_number(name))}
    short = without_decimals(names, words=what == "answer")
    whole = [
        name if name in said else spelling.get(whole_number(name) or "", other)
        for name, other in zip(names, short, strict=True)
    ]
    changed = [name != other for name, other in zip(names, whole, strict=True)]
    if rows := int(np.bincount(code, minlength=len(names))[changed].sum()):
        first = changed.index(True)
        words = (
            f"whole numbers with and without decimals are one {what}, such as {names[first]!r}, read as "
            f"{whole[first]!r}, in {plural(rows, 'row')}"
        )
        told.append(f"{name_of(raw.where)}: {words}.")
    return joined(whole, code, whole)


def people(
    answered: Answered, raw: RawAnswers, counted: np.ndarray, told: list[str]
) -> tuple[list[str], np.ndarray | None]:
    """The people with an answer that counts, sorted, and (A,) who gave each; None where nobody is named.

    Args:
        answered: what was answered, and where it stands.
        raw: the answers.
        counted: indices of those that count.
        told: sentences, to which those on people are added.

    Raises:
        DataError: only some of the answers say who gave them.
    """
    if raw.annotators is None:
        return [], None
    names, code = _trimmed(raw, raw.annotators, "annotator", told)
    names, code = _whole_numbers(raw, names, code, "annotator", told)
    empty = counted[np.isin(code[counted], [i for i, name in enumerate(names) if name in NOBODY])]
    if len(empty) == len(counted):
        told.append(f"{name_of(raw.where)}: no row says who answered, so nothing can be said of people.")
        return [], None
    if len(empty):
        mend = "fill it in or remove them"
        if raw.place == "line":
            mend += ', or read no annotators: columns = { annotator = "" }'
        raise DataError(f"{raw.where} does not say who answered in {answered.at(empty)}; {mend}.")
    present = sorted(np.unique(code[counted]).tolist(), key=names.__getitem__)
    if len(present) == 1:
        told.append(f"{name_of(raw.where)}: one person gave every answer, so nothing can be said of people.")
    told += _alike(raw, [names[i] for i in present])
    place = np.full(len(names), -1)
    place[present] = np.arange(len(present))
    return [names[i] for i in present], place[code]


def _alike(raw: RawAnswers, people: list[str]) -> list[str]:
    """A sentence on people whose names differ in nothing that one would tell two people by."""
    first: dict[str, str] = {}
    pairs = [(first.setdefault(fold_key(latin(name)), name), name) for name in people]
    pairs = [(one, other) for one, other in pairs if one != other]
    if not pairs:
        return []
    words = (
        f"{plural(len(pairs), 'pair')} of people whose names differ only in case, spaces or look-alike "
        f"letters ({listed([f'{one!r} and {other!r}' for one, other in pairs])}) "
        f"{'is' if len(pairs) == 1 else 'are'} taken for two; give a person one spelling"
    )
    return [f"{name_of(raw.where)}: {words}."]


def _trimmed(
    raw: RawAnswers, values: Sequence[str], what: str, told: list[str]
) -> tuple[list[str], np.ndarray]:
    """Distinct names by first appearance, without invisible marks and spaces around; (A,) each row's."""
    distinct, code = numbered(values)
    seen = [visible(name) for name in distinct]
    for words, changed in (
        (f"spaces around the {what}", [name != name.strip() for name in seen]),
        (f"invisible marks in the {what}", [a != b for a, b in zip(distinct, seen, strict=True)]),
    ):
        if rows := int(np.bincount(code)[changed].sum()):
            told.append(f"{name_of(raw.where)}: {words} left out in {plural(rows, 'row')}.")
    clean = [trimmed(name) for name in distinct]
    return joined(clean, code, clean)
