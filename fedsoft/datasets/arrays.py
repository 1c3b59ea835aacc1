"""From named arrays, as an .npz file holds them, to a checked dataset."""

import numpy as np

from fedsoft.datasets import checks
from fedsoft.datasets.about import About, are_modes, likely_kind
from fedsoft.datasets.annotated import AnnotatedDataset, Annotations


def from_arrays(arrays: dict[str, np.ndarray], *, name: str, source: str, about: About) -> AnnotatedDataset:
    """A dataset from named arrays.

    Args:
        arrays: ``labels`` (N,) class indices; ``images`` (N, H, W) or (N, H, W, 1 or 3) uint8, or
            ``features`` (N, D) numbers. Optional: ``votes`` (N, C) counts; ``class_names`` (C,);
            ``item_ids`` (N,); ``annotator_labels`` (N, R) single answers, -1 where there is none;
            ``annotator_ids``, (R,) where each column is one annotator, or (N, R) who gave each answer;
            ``groups`` (N,) the group of each item; ``held_out`` (N,) whether an item is for testing
            only. Without ``votes``, single answers are counted.
        name: the dataset's name.
        source: the file or name that errors give.
        about: what the arrays do not say of themselves.

    Raises:
        DataError: the arrays are not a valid dataset; the message names array, first offending row and mend.
    """
    checks.check_names(arrays, source)
    labels = checks.check_whole(arrays["labels"], "labels", 1, 0, source)
    checks.check_lengths(arrays, source)
    if "images" in arrays:
        inputs = checks.check_images(arrays["images"], source)
    else:
        inputs = checks.check_features(arrays["features"], source)
    answers = votes = None
    if "annotator_labels" in arrays:
        answers = checks.check_whole(arrays["annotator_labels"], "annotator_labels", 2, -1, source)
        checks.check_someone_voted((answers >= 0).sum(axis=1), "annotator_labels", source)
    if "votes" in arrays:
        votes = checks.check_whole(arrays["votes"], "votes", 2, 0, source)
        checks.check_someone_voted(votes.sum(axis=1), "votes", source)
    class_names = _class_names(arrays, labels, answers, votes, source)
    checks.check_classes(labels, class_names, source)
    annotations = None
    if answers is not None:
        annotations = _annotations(answers, arrays.get("annotator_ids"), len(class_names), source)
        votes = _counted(answers, votes, len(class_names), source)
    groups = _one_an_item(arrays, "groups", source)
    told = {key for key in ("labels_are", "groups_are") if getattr(about, key) is not None}
    return AnnotatedDataset(
        name=name,
        inputs=inputs,
        labels=labels,
        class_names=class_names,
        votes=votes,
        crowd=None if votes is None else about.crowd,
        annotations=annotations,
        groups=groups,
        item_ids=_one_an_item(arrays, "item_ids", source),
        held_out=_held_out(arrays, source),
        noun=about.noun or ("images" if "images" in arrays else "items"),
        labels_are_majority=_are_majority(labels, votes, about, source),
        groups_are=None if groups is None else about.groups_are or likely_kind(groups),
        told=frozenset(told),
        attribution=about.attribution,
    )


def _are_majority(labels: np.ndarray, votes: np.ndarray | None, about: About, source: str) -> bool:
    """Whether labels are the votes' own mode: as told, else if every one is."""
    if votes is None:
        if about.labels_are == "majority":
            problem = 'cannot be the majority of votes, as labels_are = "majority" says: there are none'
            checks.fail(source, "labels", problem, "add `votes` or leave the option out")
        return False
    modes = are_modes(labels, votes)
    if about.labels_are == "majority" and not modes.all():
        row = checks.first_row(~modes)
        problem = f"holds {labels[row]} in row {row}, which is no mode of that row's votes"
        checks.fail(source, "labels", problem, 'correct it, or leave labels_are = "majority" out')
    return bool(modes.all()) and about.labels_are != "independent"


def _class_names(
    arrays: dict[str, np.ndarray],
    labels: np.ndarray,
    answers: np.ndarray | None,
    votes: np.ndarray | None,
    source: str,
) -> tuple[str, ...]:
    """The names given, else the classes' numbers; as many as votes have columns."""
    if "class_names" in arrays:
        names = checks.check_class_names(arrays["class_names"], source)
    else:
        highest = max(labels.max(), -1 if answers is None else answers.max())
        names = tuple(str(c) for c in range(highest + 1 if votes is None else votes.shape[1]))
    if votes is not None and votes.shape[1] != len(names):
        problem = f"has {votes.shape[1]} columns where `class_names` has {len(names)} names"
        checks.fail(source, "votes", problem, "give each class one column and one name")
    return names


def _annotations(answers: np.ndarray, ids: np.ndarray | None, classes: int, source: str) -> Annotations:
    if (answers >= classes).any():
        row = checks.first_row(answers >= classes)
        mend = f"answers run from 0 to {classes - 1}, and -1 is none"
        checks.fail(source, "annotator_labels", f"holds {answers[row].max()} in row {row}", mend)
    if ids is None:
        ids = np.arange(answers.shape[1])
    if ids.shape not in (answers.shape, answers.shape[1:]):
        problem = f"has shape {ids.shape} where `annotator_labels` has {answers.shape}"
        checks.fail(source, "annotator_ids", problem, "name each column, or each answer")
    item, column = np.nonzero(answers >= 0)
    names, annotator = np.unique(np.broadcast_to(ids, answers.shape)[item, column], return_inverse=True)
    return Annotations(item=item, annotator=annotator, label=answers[item, column], annotator_ids=names)


def _counted(answers: np.ndarray, votes: np.ndarray | None, classes: int, source: str) -> np.ndarray:
    """(N, C) the single answers counted; equal to the votes where both are given."""
    item, column = np.nonzero(answers >= 0)
    cells = item * classes + answers[item, column]
    counts = np.bincount(cells, minlength=len(answers) * classes).reshape(-1, classes)
    if votes is not None and (counts != votes).any():
        row = checks.first_row(counts != votes)
        problem = f"differs from the count of `annotator_labels` in row {row}"
        checks.fail(
            source, "votes", problem, "correct one of the two, or leave `votes` out to have them counted"
        )
    return counts


def _one_an_item(arrays: dict[str, np.ndarray], name: str, source: str) -> np.ndarray | None:
    """An optional array with one entry an item."""
    array = arrays.get(name)
    if array is not None and array.ndim != 1:
        checks.fail(source, name, f"has shape {array.shape}", "its shape must be (items,)")
    return array


def _held_out(arrays: dict[str, np.ndarray], source: str) -> np.ndarray | None:
    """An optional (N,) mask of items for testing only, with some of either kind."""
    mask = _one_an_item(arrays, "held_out", source)
    if mask is None:
        return None
    if not np.isin(mask, (0, 1)).all() or len(np.unique(mask)) < 2:
        problem = "must hold True or 1 for test items and False or 0 for the others, and some of each"
        checks.fail(source, "held_out", problem, "mark the items that nobody may train on")
    return mask.astype(bool)
