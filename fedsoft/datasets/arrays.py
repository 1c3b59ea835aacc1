"""From named arrays, as an .npz file holds them, to a checked dataset."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from fedsoft.datasets import checks
from fedsoft.datasets.about import About, are_modes, likely_kind
from fedsoft.datasets.annotated import AnnotatedDataset
from fedsoft.datasets.answered import Answered, from_answers, from_columns, shares
from fedsoft.datasets.answers.tidy import Answers
from fedsoft.datasets.predictions import given_predictions
from fedsoft.errors import DataError
from fedsoft.plural import plural
from fedsoft.streams import stream

NONE = -1
"""The label of an item that has none."""


def from_arrays(
    arrays: dict[str, np.ndarray],
    *,
    name: str,
    source: str,
    about: About,
    answers: Answers | None = None,
    predictions: Mapping[str, Path] | None = None,
) -> AnnotatedDataset:
    """A dataset from named arrays.

    Args:
        arrays: ``images`` (N, H, W) or (N, H, W, channels), or ``features`` (N, D) numbers; ``labels`` (N,)
            class indices, -1 or NaN where there is none; without them, the votes' majority. Optional:
            ``votes`` (N, C) counts, or shares of soft answers; ``class_names`` (C,); ``item_ids`` (N,);
            ``annotator_labels`` (N, R) single answers, -1 or NaN where there is none; ``annotator_ids``, (R,)
            where each column is one annotator, or (N, R) who gave each answer; ``groups`` (N,) the group of
            each item; ``held_out`` (N,) whether an item is for testing only. Without ``votes``, single
            answers are counted. ``predictions`` (N, C), or several that are called ``predictions_clip`` and
            so on: what models of the user's own give.
        name: the dataset's name.
        source: the file or name that errors give.
        about: what the arrays do not say of themselves.
        answers: answers from a file, to items in ``item_ids``, with the names of all classes.
        predictions: files of predictions by what the user calls the model.

    Raises:
        DataError: the arrays are not a valid dataset; the message names array, first offending row and mend.
    """
    arrays = {name: _text(array) for name, array in arrays.items()}
    checks.check_names(arrays, source, answers is not None)
    checks.check_lengths(arrays, source)
    if "images" in arrays:
        inputs = checks.check_images(arrays["images"], source)
    elif answers is not None and not arrays["features"].size:
        inputs = arrays["features"]  # of answers alone, which nothing is trained on
    else:
        inputs = checks.check_features(arrays["features"], source)
    labels = np.full(len(inputs), NONE)
    if "labels" in arrays and arrays["labels"].dtype.kind == "U":
        arrays = checks.by_name(arrays, source)
    if "labels" in arrays:
        labels = checks.check_labels(arrays["labels"], source)
    ids = checks.check_ids(arrays.get("item_ids"), answers is not None, source)
    names, answered = _answered(arrays, labels, answers, ids, source)
    if answered is not None and not answered.votes.any():
        problem = "hold no vote"
        checks.fail(source, "votes", problem, "add some, or leave them out: labels alone can be studied too")
    noun = about.noun or ("images" if "images" in arrays else "items")
    given, told = given_predictions(
        arrays,
        predictions or {},
        None if ids is None else [str(one) for one in ids],
        len(inputs),
        names,
        noun,
        source,
    )
    data = AnnotatedDataset(
        name=name,
        inputs=inputs,
        labels=labels,
        class_names=names,
        votes=None if answered is None else answered.votes,
        crowd=None if answered is None else about.crowd,
        annotations=None if answered is None else answered.annotations,
        repeated=None if answered is None else answered.repeated,
        groups=checks.check_groups(arrays.get("groups"), source),
        item_ids=ids,
        held_out=checks.check_held_out(arrays.get("held_out"), source),
        noun=noun,
        told=frozenset(key for key in ("labels_are", "groups_are") if getattr(about, key) is not None),
        predictions=given,
        notes=(*(() if answered is None else answered.notes), *told),
        attribution=about.attribution,
    )
    data = _tested(_labelled(_chosen(data, about, source), about), about, source)
    checks.check_classes(data.labels, names, source)
    return replace(
        data,
        notes=(*data.notes, *_empty_classes(data)),
        labels_are_majority=_are_majority(data, about, source),
        groups_are=None if data.groups is None else about.groups_are or likely_kind(data.groups),
    )


def _text(array: np.ndarray) -> np.ndarray:
    """Byte strings as text."""
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array


def _answered(
    arrays: dict[str, np.ndarray],
    labels: np.ndarray,
    answers: Answers | None,
    ids: np.ndarray | None,
    source: str,
) -> tuple[tuple[str, ...], Answered | None]:
    """Names of classes, and what people answered, in whichever way it is given."""
    given = checks.check_class_names(arrays["class_names"], source) if "class_names" in arrays else None
    if answers is not None:
        if ids is None:
            mend = "add each item's name, as the answers call it"
            checks.fail(source, "item_ids", "is missing, so that answers cannot be given to items", mend)
        for name in ("votes", "annotator_labels"):
            if name in arrays:
                mend = "remove it, or leave `annotations` out"
                checks.fail(source, name, "is there beside answers from a file", mend)
        return answers.class_names, from_answers(answers, [str(one) for one in ids])
    single = votes = None
    if "annotator_labels" in arrays:
        single = checks.check_answers(arrays["annotator_labels"], source)
    if "votes" in arrays:
        votes = checks.check_votes(arrays["votes"], source)
    if given is None:
        highest = max(labels.max(), -1 if single is None else single.max())
        given = tuple(str(c) for c in range(highest + 1 if votes is None else votes.shape[1]))
    if votes is not None and votes.shape[1] != len(given):
        problem = f"has {votes.shape[1]} columns where `class_names` has {len(given)} names"
        checks.fail(source, "votes", problem, "give each class one column and one name")
    if single is not None:
        return given, from_columns(single, arrays.get("annotator_ids"), votes, len(given), source)
    if votes is None:
        return given, None
    return given, Answered(votes) if votes.dtype.kind == "i" else shares(votes, source)


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


def _labelled(data: AnnotatedDataset, about: About) -> AnnotatedDataset:
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
        "their "
        'answers for one, and are never tested; without_label = "leave_out" leaves them out.'
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
            "that models are compared with the label alone: the references `mode` and `vote` and strata "
            "of human disagreement are left out."
        )
        found = replace(found, notes=(*found.notes, note))
    return found


def _empty_classes(data: AnnotatedDataset) -> tuple[str, ...]:
    """A note on the classes that are no item's label."""
    empty = np.flatnonzero(np.bincount(data.labels, minlength=data.classes) == 0)
    if not len(empty):
        return ()
    names = ", ".join(repr(data.class_names[c]) for c in empty[:5]) + (", …" if len(empty) > 5 else "")
    if data.votes is None or not (given := data.votes[:, empty].sum()):
        return (f"No item's label is {names}, which no model can learn.",)
    named = plural(round(given), "answer names", "answers name")
    return (f"No item's label is {names}, which {named}: it stays a class, unless `no_answer` names it.",)


def _are_majority(data: AnnotatedDataset, about: About, source: str) -> bool:
    """Whether labels are the votes' own mode: as told, else if every one is."""
    if data.votes is None:
        if about.labels_are == "majority":
            problem = 'cannot be the majority of votes, as labels_are = "majority" says: there are none'
            checks.fail(source, "labels", problem, "add `votes` or leave the option out")
        return False
    modes = are_modes(data.labels, data.votes)
    if about.labels_are == "majority" and not modes.all():
        row = checks.first_row(~modes)
        raise DataError(
            f"{source}: the label of {data.noun} {data.item_name(row)}, "
            f'{data.class_names[data.labels[row]]!r}, is no mode of its votes, as labels_are = "majority" '
            "says; correct it, or leave that out."
        )
    return bool(modes.all()) and about.labels_are != "independent"
