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
from fedsoft.datasets.gaps import NONE, empty_classes, filled
from fedsoft.datasets.predictions import given_predictions
from fedsoft.errors import DataError


def from_arrays(
    arrays: dict[str, np.ndarray],
    *,
    name: str,
    source: str,
    about: About,
    answers: Answers | None = None,
    predictions: Mapping[str, Path] | None = None,
    told: tuple[str, ...] = (),
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
        told: what was odd but usable in reading, a sentence each.

    Raises:
        DataError: the arrays are not a valid dataset; the message names array, first offending row and mend.
    """
    arrays = {name: checks.text(array) for name, array in arrays.items()}
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
        raise DataError(
            f"{source}: nobody answered anything; add answers, or leave them out: labels alone can be "
            "studied too."
        )
    noun = about.noun or ("images" if "images" in arrays else "items")
    given, told_of_models = given_predictions(
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
        notes=(*told, *(() if answered is None else answered.notes), *told_of_models),
        attribution=about.attribution,
    )
    data = filled(data, about, source)
    if len(data) < 2:
        raise DataError(
            f"{source}: one of the {data.noun} is left, and a dataset needs two at least; add answers or "
            "labels."
        )
    checks.check_classes(data.labels, names, source)
    return replace(
        data,
        notes=(*data.notes, *empty_classes(data)),
        labels_are_majority=_are_majority(data, about, source),
        groups_are=None if data.groups is None else about.groups_are or likely_kind(data.groups),
    )


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
