"""What people answered, by item of a dataset."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fedsoft.datasets import checks
from fedsoft.datasets.annotated import Annotations
from fedsoft.datasets.answers.match import match
from fedsoft.datasets.answers.naming import numbered
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.read import RawAnswers, read_answers, read_labels
from fedsoft.datasets.answers.tidy import Answers, tidy
from fedsoft.errors import DataError
from fedsoft.plural import plural


@dataclass(frozen=True)
class Answered:
    """What people answered to N items.

    Attributes:
        votes: (N, C) int64 counts, or float64 sums of soft answers; rows of zeros without an answer.
        annotations: the single answers, where it is known who gave each.
        repeated: (P, 4) item, annotator, earlier class and later one, where a person answered an item again.
        notes: what was odd but usable, a sentence each.
    """

    votes: np.ndarray
    annotations: Annotations | None = None
    repeated: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def of_items(self, kept: np.ndarray) -> "Answered":
        """The same of some of the items (N,), whose numbers close up."""
        if kept.all():
            return self
        place = np.cumsum(kept) - 1
        repeated = self.repeated
        if repeated is not None:
            repeated = repeated[kept[repeated[:, 0]]]
            repeated = np.column_stack([place[repeated[:, 0]], repeated[:, 1:]])
        annotations = self.annotations and self.annotations.of_items(np.flatnonzero(kept))
        return replace(self, votes=self.votes[kept], annotations=annotations, repeated=repeated)


def count(item: np.ndarray, label: np.ndarray, items: int, classes: int) -> np.ndarray:
    """(items, classes) how often each class was the answer to each item."""
    return np.bincount(item * classes + label, minlength=items * classes).reshape(items, classes)


def named_by(raw: RawAnswers, ids: list[str], noun: str) -> tuple[RawAnswers, tuple[str, ...]]:
    """Answers with their items named as the data name them, and what was told of it.

    Answers to items that the data do not have are left out, as long as most are found.

    Raises:
        DataError: most answered items are not in the data, or a name fits two.
    """
    names, which = numbered(raw.items)
    place, told = match(names, ids)
    absent = np.flatnonzero(place < 0)
    if len(absent):
        first = int(np.flatnonzero(which == absent[0])[0])
        what = (
            f"{len(absent):,} of the {plural(len(names), 'item')} in {raw.where} "
            f"{'is' if len(absent) == 1 else 'are'} not among the {noun} (such as "
            f"{names[absent[0]]!r} in {raw.place} {raw.numbers[first]}"
        )
        if 2 * len(absent) > len(names):
            raise DataError(
                f"{what}, where the {noun} are called {_some(ids)}); give items the same names in both, or "
                'name the column that holds them, as in columns = { item = "…" }.'
            )
        told = (*told, f"{what}); their answers are left out.")
    kept = place[which] >= 0
    where = np.flatnonzero(kept)
    return (
        replace(
            raw,
            items=[ids[at] for at in place[which[where]].tolist()],
            annotators=None if raw.annotators is None else [raw.annotators[at] for at in where],
            classes=[raw.classes[at] for at in where],
            weights=None if raw.weights is None else raw.weights[where],
            numbers=raw.numbers[where],
            matched=True,
            together=None if raw.together is None else raw.together[where],
        ),
        told,
    )


def _some(names: list[str]) -> str:
    return f"{', '.join(map(repr, names[:2]))}{', …' if len(names) > 2 else ''}"


def read_for(
    file: Path, options: AnswerOptions, ids: list[str] | None, known: tuple[str, ...], noun: str
) -> Answers:
    """Answers from a file to items that the data name, or to whatever items the file names.

    Args:
        file: the user's file.
        options: how to read it.
        ids: what the data call their items; None without data.
        known: class names that the data have already.
        noun: what items are called.

    Raises:
        DataError: the file cannot be read as answers, or does not fit the data.
    """
    raw = read_answers(file, options)
    told: tuple[str, ...] = ()
    if ids is not None:
        raw, told = named_by(raw, ids, noun)
    answers = tidy(raw, options, known)
    return replace(answers, told=(*told, *answers.told))


def labels_for(
    file: Path, options: AnswerOptions, ids: list[str] | None, noun: str
) -> tuple[Answers, tuple[str, ...]]:
    """Labels from a table (item, label) of items that the data name so, or of whatever items the table names.

    Returns:
        the labels, one an item, and what was told.
    """
    raw = read_labels(file, options)
    told: tuple[str, ...] = ()
    if ids is not None:
        raw, told = named_by(raw, ids, noun)
    labels = tidy(raw, options)
    return labels, (*told, *labels.told)


def numbers_of(labels: Answers, ids: list[str]) -> np.ndarray:
    """(N,) the label of each item that is called so, -1 for none."""
    place = {name: at for at, name in enumerate(ids)}
    numbers = np.full(len(ids), -1)
    numbers[[place[labels.items[item]] for item in labels.item]] = labels.label
    return numbers


def from_answers(answers: Answers, ids: list[str]) -> Answered:
    """Answers to some of the items (N,) that are called so."""
    at = {name: number for number, name in enumerate(ids)}
    place = np.array([at[name] for name in answers.items], dtype=np.int64)
    item, classes = place[answers.item], len(answers.class_names)
    if answers.weight is not None:
        cells = item * classes + answers.label
        sums = np.bincount(cells, answers.weight, len(ids) * classes).reshape(len(ids), classes)
        return Answered(_whole_sums(sums), notes=answers.told)
    votes = count(item, answers.label, len(ids), classes)
    if answers.annotator is None or answers.annotators is None:
        return Answered(votes, notes=answers.told)
    people = np.array(answers.annotators)
    repeated = answers.repeated.copy()
    repeated[:, 0] = place[repeated[:, 0]]
    return Answered(
        votes, Annotations(item, answers.annotator, answers.label, people), repeated, answers.told
    )


def from_columns(
    answers: np.ndarray, ids: np.ndarray | None, votes: np.ndarray | None, classes: int, source: str
) -> Answered:
    """Answers from arrays.

    Args:
        answers: (N, R) class indices, -1 for none.
        ids: (R,) or (N, R) who answered; None where that is not known.
        votes: (N, C) counts that must be these answers', or None.
        classes: number of classes C.
        source: the file that errors give.

    Raises:
        DataError: the arrays contradict each other.
    """
    if (answers >= classes).any():
        row = checks.first_row(answers >= classes)
        mend = f"answers run from 0 to {classes - 1}, and -1 is none"
        checks.fail(source, "annotator_labels", f"holds {answers[row].max()} in row {row}", mend)
    item, column = np.nonzero(answers >= 0)
    label = answers[item, column]
    counts = count(item, label, len(answers), classes)
    if votes is not None and (counts != votes).any():
        row = checks.first_row(counts != votes)
        problem = f"differs from the count of `annotator_labels` in row {row}"
        checks.fail(
            source, "votes", problem, "correct one of the two, or leave `votes` out to have them counted"
        )
    if ids is None:
        return Answered(
            counts,
            notes=(
                f"The {answers.shape[1]} columns of `annotator_labels` are taken as places for answers, "
                "not as people, since `annotator_ids` is missing: who answered is not known. Add it, "
                "(R,) where each column is one person, or (N, R).",
            ),
        )
    if ids.shape not in (answers.shape, answers.shape[1:]):
        problem = f"has shape {ids.shape} where `annotator_labels` has {answers.shape}"
        checks.fail(source, "annotator_ids", problem, "name each column, or each answer")
    said = np.broadcast_to(ids, answers.shape)
    unnamed = checks.nobody(said) & (answers >= 0)
    if unnamed.any():
        row = checks.first_row(unnamed)
        mend = "name each person who answered, or leave the array out"
        checks.fail(source, "annotator_ids", f"names nobody for an answer in row {row}", mend)
    people, annotator = np.unique(said[item, column], return_inverse=True)
    _once(item, annotator, people, source)
    return Answered(counts, Annotations(item, annotator, label, people))


def _once(item: np.ndarray, annotator: np.ndarray, people: np.ndarray, source: str) -> None:
    """Refuse two answers of one person to one item, of which nobody says which counts."""
    pair = item * len(people) + annotator
    _, first, times = np.unique(pair, return_index=True, return_counts=True)
    if (times > 1).any():
        at = first[times > 1][0]
        problem = f"has {people[annotator[at]]!s} twice in row {item[at]}"
        mend = "keep one answer a person and item, or give answers as a file (`annotations`)"
        checks.fail(source, "annotator_ids", problem, mend)


def shares(votes: np.ndarray, source: str) -> Answered:
    """Soft answers from an array (N, C) whose rows sum to how many there are of each item: one, as a rule.

    Raises:
        DataError: an entry is negative, or a row sums to no whole number.
    """
    if (votes < 0).any():
        row = checks.first_row(votes < 0)
        checks.fail(
            source, "votes", f"holds {votes[row].min()} in row {row}", "the smallest valid entry is 0"
        )
    sums = votes.sum(axis=1)
    odd = np.abs(sums - np.round(sums)) > SLACK * np.maximum(sums, 1)
    if odd.any():
        row = checks.first_row(odd)
        problem = f"holds no counts, and row {row} sums to {sums[row]:.4g}"
        mend = "shares must sum to 1, or to the number of soft answers"
        checks.fail(source, "votes", problem, mend)
    most = int(np.round(sums).max())
    told = "one soft answer each" if most == 1 else f"up to {most:,} soft answers each, as their rows sum to"
    return Answered(
        _whole_sums(votes),
        notes=(
            f"Votes are shares ({told}): they train as soft labels, but cannot be drawn one by one, so that "
            "votes_k, multipass, fewer votes, annotators' slips, private votes, aggregation and the people's "
            "own ceiling are out of reach.",
        ),
    )


SLACK = 0.01
"""By how much of itself a sum of rounded shares may be off."""


def _whole_sums(votes: np.ndarray) -> np.ndarray:
    """Shares (N, C) whose rows sum to whole numbers exactly but for rounding."""
    sums = votes.sum(axis=1, keepdims=True)
    return np.divide(votes * np.round(sums), sums, out=np.zeros_like(votes), where=sums > 0)
