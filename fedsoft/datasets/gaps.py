"""What is made of items of which something is missing: left out, or used as far as they go, and told."""

from dataclasses import replace

import numpy as np

from fedsoft.datasets import checks
from fedsoft.datasets.about import About
from fedsoft.datasets.annotated import AnnotatedDataset
from fedsoft.datasets.answered import Answered
from fedsoft.plural import plural
from fedsoft.streams import stream

NONE = -1
"""The label of an item that has none."""


def filled(data: AnnotatedDataset, about: About, source: str) -> AnnotatedDataset:
    """The items of which enough is known, each with a label, and with a mark on those that may be tested.

    Args:
        data: the dataset; labels are `NONE` where an item has none.
        about: what to do about gaps.
        source: the file that errors give.

    Raises:
        DataError: nothing is left to train on, or to test.
    """
    return _tested(_labelled(_chosen(data, about, source)), about, source)


def _chosen(data: AnnotatedDataset, about: About, source: str) -> AnnotatedDataset:
    """The items of which enough is known, and how many others there are."""
    labelled, voted = data.labels != NONE, data.voted
    if not (labelled | voted).any():
        checks.fail(source, "labels", "holds no label, and there are no votes", "add either")
    kept, notes = labelled | voted, list(data.notes)
    noun, total = data.noun, len(data)
    if unknown := int((~kept).sum()):
        notes.append(f"{_of(unknown, total, noun)} neither answer nor label and are left out.")
    if (
        data.votes is not None
        and about.without_votes == "leave_out"
        and (k := int((labelled & ~voted).sum()))
    ):
        kept &= voted
        notes.append(f"{_of(k, total, noun)} no answer and are left out, as without_votes says.")
    if about.without_label == "leave_out" and labelled.any() and (k := int((voted & ~labelled).sum())):
        kept &= labelled
        notes.append(f"{_of(k, total, noun)} no label and are left out, as without_label says.")
    if data.held_out is not None and (k := int((kept & data.held_out & ~labelled & labelled.any()).sum())):
        kept &= labelled | ~data.held_out
        notes.append(f"{k:,} held-out {noun} have no label to be tested by and are left out.")
    return replace(_of_rows(data, kept), notes=tuple(notes))


def _of(some: int, total: int, noun: str) -> str:
    return f"{some:,} of {total:,} {noun} {'has' if some == 1 else 'have'}"


def _of_rows(data: AnnotatedDataset, kept: np.ndarray) -> AnnotatedDataset:
    """The dataset with some of its items."""
    if kept.all():
        return data
    rows = np.flatnonzero(kept)

    def pick(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[rows]

    if data.votes is not None:
        answered = Answered(data.votes, data.annotations, data.repeated).of_items(kept)
        data = replace(
            data, votes=answered.votes, annotations=answered.annotations, repeated=answered.repeated
        )
    return replace(
        data,
        inputs=data.inputs[rows],
        labels=data.labels[rows],
        groups=pick(data.groups),
        item_ids=pick(data.item_ids),
        held_out=pick(data.held_out),
        predictions={name: array[rows] for name, array in data.predictions.items()},
    )


def _labelled(data: AnnotatedDataset) -> AnnotatedDataset:
    """With the votes' majority for a label, ties at random, where an item has none."""
    labelled = data.labels != NONE
    if labelled.all() or data.votes is None:
        return data
    ties = data.votes == data.votes.max(axis=1, keepdims=True)
    majority = np.where(ties, stream("majority label ties").random(ties.shape), -1.0).argmax(axis=1)
    labels = np.where(labelled, data.labels, majority)
    if not labelled.any():
        return replace(data, labels=labels, told=data.told | {"labels_are"})
    note = (
        f"{_of(int((~labelled).sum()), len(data), data.noun)} no label: they train with the majority of "
        'their answers for one, and are never tested; without_label = "leave_out" leaves them out.'
    )
    return replace(data, labels=labels, labelled=labelled, notes=(*data.notes, note))


def _tested(data: AnnotatedDataset, about: About, source: str) -> AnnotatedDataset:
    """With a mark on the items that may be tested, where these are not all."""
    testable = np.ones(len(data), dtype=bool) if data.labelled is None else data.labelled.copy()
    notes = list(data.notes)
    lacking = np.zeros(len(data), dtype=bool) if data.votes is None else ~data.voted
    if lacking.any():
        chosen = about.tested or ("voted" if data.held_out is None else "labelled")
        if chosen == "voted":
            testable &= data.voted
        training = lacking if data.held_out is None else lacking & ~data.held_out
        if training.any():
            never = data.held_out is None and chosen == "voted"
            other = f'tested = "{"labelled" if never else "voted"}" and without_votes = "leave_out"'
            notes.append(
                f"{_of(int(training.sum()), len(data), data.noun)} no answer: they train on their label "
                f"where a source needs votes{' and are never tested' if never else ''} ({other} are the "
                "other ways)."
            )
    inside = testable if data.held_out is None else testable & data.held_out
    if not inside.any():
        problem = "leaves nothing to test: no item that may be tested has both"
        checks.fail(source, "labels", problem, 'add labels to items with votes, or set tested = "labelled"')
    found = replace(data, notes=tuple(notes), testable=None if testable.all() else testable)
    if lacking.any() and found.judges is None:
        silent = int((lacking & found.may_be_tested).sum())
        note = (
            f"{silent:,} of the {found.may_be_tested.sum():,} {data.noun} for testing have no answer, so "
            "that models are compared with the label alone: how near they come to people, and how they do "
            "on what people find hard, cannot be told."
        )
        found = replace(found, notes=(*found.notes, note))
    return found


def empty_classes(data: AnnotatedDataset) -> tuple[str, ...]:
    """A note on the classes that are no item's label."""
    empty = np.flatnonzero(np.bincount(data.labels, minlength=data.classes) == 0)
    if not len(empty):
        return ()
    names = ", ".join(repr(data.class_names[c]) for c in empty[:5]) + (", …" if len(empty) > 5 else "")
    if data.votes is None or not (given := data.votes[:, empty].sum()):
        return (f"No item's label is {names}, which no model can learn.",)
    named = plural(round(given), "answer names", "answers name")
    return (f"No item's label is {names}, which {named}: it stays a class, unless `no_answer` names it.",)
