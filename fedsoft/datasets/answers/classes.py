"""Which answers are classes, which are spellings of one class, and which are no answer."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.datasets.answers.evasions import is_evasion
from fedsoft.datasets.answers.free_text import refuse_free_text
from fedsoft.datasets.answers.lookalikes import lookalikes
from fedsoft.datasets.answers.naming import MOST, at, listed, quoted
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import name_of
from fedsoft.datasets.answers.spelling import BLANK, fold_key
from fedsoft.datasets.answers.typos import likely_typos
from fedsoft.errors import DataError
from fedsoft.plural import plural

NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")
"""Python makes a number of no more digits."""


@dataclass(frozen=True)
class Answered:
    """What was answered, and where it stands.

    Attributes:
        names: distinct answers, trimmed.
        code: (A,) the answer of each row, an index of ``names``.
        counts: (K,) rows of each name.
        where: the file.
        place: what ``numbers`` count.
        numbers: (A,) line or entry of each row.
        items: names of items.
        item: (A,) the item of each row, an index of ``items``.
        column: the column that the answers are from; None in an export of a tool.
    """

    names: Sequence[str]
    code: np.ndarray
    counts: np.ndarray
    where: str
    place: str
    numbers: np.ndarray
    items: Sequence[str]
    item: np.ndarray
    column: str | None = None

    def at(self, rows: np.ndarray) -> str:
        """Rows, by line and item."""
        return at(self.place, self.numbers[rows], [self.items[i] for i in self.item[rows[:10]].tolist()])

    def first(self, name: int) -> str:
        """The first row with a name, by line and item."""
        return self.at(np.flatnonzero(self.code == name)[:1])


def find_classes(
    answered: Answered, options: AnswerOptions, known: Sequence[str]
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """The classes that answers are of.

    Args:
        answered: the distinct answers.
        options: what the user says of classes.
        known: classes that the data have already; they come first, in their order.

    Returns:
        The names of the classes; (K,) the class of each distinct answer, -1 where it is none; and a sentence
        on each thing that was odd but usable.

    Raises:
        DataError: an answer is none of the classes said, one class is spelt in several ways, something
            looks like no answer and nothing says whether it is one, answers are free text, or none of them
            is a class of the data.
    """
    _check_said(options, known, answered.where)
    fixed = list(dict.fromkeys([*known, *(options.classes or ())]))
    told: list[str] = []
    counted = _no_answers(answered, options, fixed, told)
    spelt = {i: answered.names[i] for i in range(len(answered.names)) if counted[i]}
    if options.fold_case:
        spelt = _folded(answered, spelt, fixed, told)
    if options.classes is not None:
        _check_all_said(answered, spelt, fixed, options.fold_case)
    else:
        _check_texts(answered, spelt, fixed)
        _check_spellings(answered, spelt, fixed)
        _check_evasions(answered, spelt, fixed, options, told)
        _check_shared(answered, spelt, known)
        told += _typos(answered, spelt, fixed)
    given = set(spelt.values())
    added = sorted(given - set(fixed))
    if added and known:
        one = len(added) == 1
        words = "is no class of the data yet, and is" if one else "are no classes of the data yet, and are"
        told.append(_sentence(answered, f"{quoted(added)} {words} added"))
    if unused := [name for name in options.classes or () if name not in given]:
        kept = "the class is" if len(unused) == 1 else "the classes are"
        told.append(_sentence(answered, f"nobody answered {quoted(unused)}, and {kept} kept"))
    classes = (*fixed, *in_order(added))
    place = {name: at for at, name in enumerate(classes)}
    return (
        classes,
        np.array([place[spelt[i]] if i in spelt else -1 for i in range(len(counted))]),
        tuple(told),
    )


def in_order(names: Iterable[str]) -> list[str]:
    """Class names as numbers where all are whole numbers, else by letters."""
    names = list(names)
    numbers = all(NUMBER.fullmatch(name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))


def _check_said(options: AnswerOptions, known: Sequence[str], where: str) -> None:
    """What the user says of classes does not contradict itself or the data."""
    said = options.classes
    if said is None:
        return
    if both := [name for name in options.no_answer if name in said]:
        raise DataError(f"{both[0]!r} is in `classes` and in `no_answer`; leave it out of one of them.")
    if absent := [name for name in known if name not in said]:
        raise DataError(
            f"`classes` leaves out {quoted(absent)}, of which the data have labels beside {where}; add "
            f"{'it' if len(absent) == 1 else 'them'}."
        )


def _no_answers(
    answered: Answered, options: AnswerOptions, fixed: Sequence[str], told: list[str]
) -> np.ndarray:
    """(K,) whether each distinct answer is one: not blank, and not said to be none."""
    none = {fold_key(name) for name in options.no_answer}
    names = answered.names
    blank = np.array([name in BLANK and name not in fixed for name in names], dtype=bool)
    said = np.array([fold_key(name) in none and name not in fixed for name in names], dtype=bool)
    if rows := int(answered.counts[blank].sum()):
        words = [repr(names[i]) if names[i] else "empty" for i in np.flatnonzero(blank).tolist()]
        mend = "" if words == ["empty"] else "; name in `classes` what is a class"
        told.append(_sentence(answered, f"{plural(rows, 'row')} without an answer ({listed(words)}){mend}"))
    if rows := int(answered.counts[said].sum()):
        words = [f"{names[i]!r} {answered.counts[i]:,}" for i in np.flatnonzero(said).tolist()]
        told.append(_sentence(answered, f"{plural(rows, 'answer')} left out as no class ({listed(words)})"))
    found = {fold_key(name) for name in names}
    if unused := [name for name in options.no_answer if fold_key(name) not in found]:
        told.append(_sentence(answered, f"nobody answered {quoted(unused)}, which `no_answer` names"))
    return ~(blank | said)


def _folded(
    answered: Answered, spelt: dict[int, str], fixed: Sequence[str], told: list[str]
) -> dict[int, str]:
    """Each answer in the one spelling of its class: as said, else the most frequent in lower case."""
    spelling = {fold_key(name): name for name in reversed(fixed)}
    for i in sorted(spelt, key=lambda i: (-answered.counts[i], i)):
        spelling.setdefault(fold_key(spelt[i]), " ".join(spelt[i].lower().split()))
    folded = {i: name if name in fixed else spelling[fold_key(name)] for i, name in spelt.items()}
    changed = [i for i in spelt if folded[i] != spelt[i]]
    if rows := int(sum(answered.counts[i] for i in changed)):
        words = [f"{spelt[i]!r} is {folded[i]!r}" for i in changed[:MOST]]
        told.append(_sentence(answered, f"{plural(rows, 'answer')} folded ({listed(words, len(changed))})"))
    return folded


def _check_all_said(answered: Answered, spelt: dict[int, str], classes: Sequence[str], folded: bool) -> None:
    """Every answer is one of the classes said."""
    odd = [i for i, name in spelt.items() if name not in classes]
    if not odd:
        return
    keys = {fold_key(name): name for name in classes}
    case = not folded and any(fold_key(spelt[i]) in keys for i in odd)
    words = []
    for i in odd[:MOST]:
        key = fold_key(spelt[i])
        close = [key] if key in keys else difflib.get_close_matches(key, keys, n=1)
        nearest = f", nearest class {keys[close[0]]!r}" if close else ""
        words.append(f"{spelt[i]!r} in {answered.first(i)}{nearest}")
    also = ", set fold_case = true" if case else ""
    raise DataError(
        f"{answered.where} holds answers that `classes` does not name: {listed(words, len(odd))}; correct "
        f"them{also}, "
        "or add them to `classes` or `no_answer`."
    )


def _check_spellings(answered: Answered, spelt: dict[int, str], fixed: Sequence[str]) -> None:
    """No two classes differ only in case or spaces, other than those that are said to be two."""
    likely = {fold_key(name): name for name in reversed(fixed)}
    for i in sorted(spelt, key=lambda i: (-answered.counts[i], i)):
        likely.setdefault(fold_key(spelt[i]), spelt[i])
    odd = [i for i, name in spelt.items() if name != likely[fold_key(name)] and name not in fixed]
    if odd:
        words = [
            f"{spelt[i]!r} in {answered.first(i)} for {likely[fold_key(spelt[i])]!r}" for i in odd[:MOST]
        ]
        raise DataError(
            f"{answered.where} spells one class in several ways: {listed(words, len(odd))}; correct them, "
            "set fold_case = true if they are the same, or name all in `classes` if they are not."
        )


def _check_evasions(
    answered: Answered,
    spelt: dict[int, str],
    fixed: Sequence[str],
    options: AnswerOptions,
    told: list[str],
) -> None:
    """Nothing that looks like no answer is taken for a class unasked."""
    odd = [i for i, name in spelt.items() if is_evasion(name) and name not in fixed]
    if not odd:
        return
    words = [f"{spelt[i]!r}, {plural(int(answered.counts[i]), 'time')}" for i in odd]
    if options.no_answer:
        taken, them = ("is taken for a class", "it") if len(odd) == 1 else ("are taken for classes", "them")
        told.append(_sentence(answered, f"{listed(words)}, {taken}; `no_answer` leaves {them} out"))
        return
    names = ", ".join(f'"{spelt[i]}"' for i in odd)
    raise DataError(
        f"{answered.where} holds answers that look like none: {listed(words)}, first in "
        f"{answered.first(odd[0])}; leave them out by no_answer = [{names}], or name all "
        "classes in `classes`."
    )


def _check_texts(answered: Answered, spelt: dict[int, str], fixed: Sequence[str]) -> None:
    """What is no class already is not so various that it is no class at all."""
    new = [i for i in spelt if spelt[i] not in fixed]
    texts = len({spelt[i] for i in new})
    rows = int(answered.counts[new].sum())
    refuse_free_text(answered.where, answered.column, texts, rows, beside=bool(fixed))


def _check_shared(answered: Answered, spelt: dict[int, str], known: Sequence[str]) -> None:
    """Some answer is a class that the data have already, if they have any."""
    given = set(spelt.values())
    if known and given and not given & set(known):
        raise DataError(
            f"{answered.where}: labels and answers use different words (labels: {quoted(known)}; answers: "
            f"{quoted(in_order(given))}); give both the same, name all in `classes` if they are different "
            "classes, or, in an .npz, name the classes in `class_names`."
        )


def _typos(answered: Answered, spelt: dict[int, str], fixed: Sequence[str]) -> list[str]:
    """A sentence on each class that looks like another, or is rare and nearly spelt as a common one."""
    counts: dict[str, int] = {}
    for i, name in spelt.items():
        counts[name] = counts.get(name, 0) + int(answered.counts[i])
    place = {name: i for i, name in reversed(spelt.items())}
    alike = dict(lookalikes(counts))
    nearly = {rare: common for rare, common in likely_typos(counts) if rare not in alike}
    return [
        _sentence(
            answered,
            f"{odd!r} ({plural(counts[odd], 'answer')}, {answered.first(place[odd])}) is a class of its own "
            f"and may be a slip for {other!r}"
            + (", which looks like it in letters of another script" if odd in alike else "")
            + "; correct it, or `classes` refuses it",
        )
        for odd, other in (alike | nearly).items()
        if odd not in fixed
    ]


def _sentence(answered: Answered, words: str) -> str:
    return f"{name_of(answered.where)}: {words}."
