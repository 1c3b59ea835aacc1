"""From answers as a file has them to arrays: one spelling a name, one rule for repeats."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.datasets.answers.classes import Answered, find_classes
from fedsoft.datasets.answers.minority import never_most
from fedsoft.datasets.answers.names import answer_names, item_names, people
from fedsoft.datasets.answers.naming import quoted
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.repeats import repeats
from fedsoft.datasets.answers.weighing import weighed
from fedsoft.errors import DataError
from fedsoft.plural import plural


@dataclass(frozen=True)
class Answers:
    """The answers that count, by number.

    Attributes:
        items: I distinct items in order of first appearance, also those without an answer that counts.
        annotators: R distinct people with an answer that counts, sorted; None where the file names none.
        class_names: C names.
        item: (A,) the item of each answer, an index of ``items``.
        annotator: (A,) who gave it, an index of ``annotators``; or None.
        label: (A,) its class, an index of ``class_names``.
        weight: (A,) shares above 0 that sum to 1 over the rows of one answer (a person's to an item, or,
            without annotators, an item's); None where every answer is one class.
        repeated: (P, 4) item, annotator, class of an earlier and of the next answer of a person to an item,
            in file order; of soft answers, the class with most.
        numbers: (A,) line or entry of each.
        where: the file.
        place: what ``numbers`` count.
        told: what was recognised, or was odd but usable, a sentence each.
    """

    items: tuple[str, ...]
    annotators: tuple[str, ...] | None
    class_names: tuple[str, ...]
    item: np.ndarray
    annotator: np.ndarray | None
    label: np.ndarray
    weight: np.ndarray | None
    repeated: np.ndarray
    numbers: np.ndarray
    where: str
    place: str
    told: tuple[str, ...]


def tidy(raw: RawAnswers, options: AnswerOptions, known: Sequence[str] = ()) -> Answers:
    """Answers with one spelling a name, as classes, with one rule for repeats.

    Args:
        raw: the answers as their file has them.
        options: what the user says of them.
        known: classes that the data have already; they come first, in their order.

    Raises:
        DataError: there is no answer, an item or annotator is missing, a weight is none, or classes are
            not clear (see `fedsoft.datasets.answers.classes.find_classes`).
    """
    if not raw.items:
        raise DataError(f"{raw.where} holds no answer; add one row an answer.")
    told = list(raw.told)
    items, item = item_names(raw, told)
    names, code = answer_names(raw, (*known, *(options.classes or ()), *options.no_answer), told)
    counts = np.bincount(code, minlength=len(names))
    answered = Answered(names, code, counts, raw.where, raw.place, raw.numbers, items, item, raw.column)
    class_names, class_of, odd = find_classes(answered, options, known)
    told += odd
    counted = np.flatnonzero(class_of[code] >= 0)
    if not len(counted):
        raise DataError(f"{raw.where} holds no answer that is a class; add some, or shorten `no_answer`.")
    who, person = people(answered, raw, counted, told)
    unit = None if person is None else item * len(who) + person
    shares = weighed(answered, raw, class_of[code], counted, unit, len(class_names), told)
    repeated = np.zeros((0, 4), dtype=np.int64)
    if unit is not None and person is not None:
        first, mode = shares.answers()
        pairs, kept = repeats(unit[first], options.repeated)
        early, late = pairs.T
        repeated = np.stack([item[first[late]], person[first[late]], mode[early], mode[late]], axis=1)
        shares = shares.only(kept)
        if len(pairs):
            told.append(_repeats_told(raw.where, repeated, options.repeated))
    if len(rare := never_most(item[shares.row], shares.label, shares.share, len(class_names))):
        told.append(_minority_told(raw.where, [class_names[c] for c in rare]))
    return Answers(
        items=tuple(items),
        annotators=tuple(who) or None,
        class_names=class_names,
        item=item[shares.row],
        annotator=None if person is None else person[shares.row],
        label=shares.label,
        weight=None if (shares.share == 1).all() else shares.share,
        repeated=repeated,
        numbers=raw.numbers[shares.row],
        where=raw.where,
        place=raw.place,
        told=tuple(told),
    )


def _repeats_told(where: str, repeated: np.ndarray, rule: str) -> str:
    """How many answers repeat one of the same person to the same item, and which of them count."""
    again = len(repeated)
    unlike = int((repeated[:, 2] != repeated[:, 3]).sum())
    which = "all of them count" if rule == "all" else f"the {rule} one counts"
    verb = (
        "is a person's further answer to an item" if again == 1 else "are people's further answers to an item"
    )
    return (
        f"{name_of(where)}: {plural(again, 'answer')} {verb}, {unlike:,} of them unlike the one before; "
        f"{which} (`repeated`)."
    )


def _minority_told(where: str, names: list[str]) -> str:
    """Which classes are no item's majority."""
    verb, them = ("is a class", "it") if len(names) == 1 else ("are classes", "them")
    words = f"{quoted(names)} {verb} that no item got most often; `no_answer` leaves {them} out"
    return f"{name_of(where)}: {words}."
