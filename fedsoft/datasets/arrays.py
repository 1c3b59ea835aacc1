"""From named arrays, as an .npz file holds them, to a checked dataset."""

from typing import Literal

import numpy as np

from fedsoft.datasets import checks
from fedsoft.datasets.annotated import AnnotatedDataset, Annotations


def from_arrays(
    arrays: dict[str, np.ndarray], *, name: str, source: str, crowd: Literal["real", "simulated"]
) -> AnnotatedDataset:
    """A dataset from named arrays.

    Args:
        arrays: ``labels`` (N,) class indices; ``images`` (N, H, W) or (N, H, W, 1 or 3) uint8, or
            ``features`` (N, D) numbers. Optional: ``votes`` (N, C) counts; ``class_names`` (C,);
            ``item_ids`` (N,); ``annotator_labels`` (N, R) single answers, -1 where there is none;
            ``annotator_ids``, (R,) where each column is one annotator, or (N, R) who gave each answer;
            ``groups`` (N,) the natural client of each image; ``held_out`` (N,) whether an image is for
            testing only. Without ``votes``, single answers are counted.
        name: the dataset's name.
        source: the file or name that errors give.
        crowd: whose votes these are.

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
    return AnnotatedDataset(
        name=name,
        inputs=inputs,
        labels=labels,
        class_names=class_names,
        votes=votes,
        crowd=None if votes is None else crowd,
        annotations=annotations,
        groups=_one_an_image(arrays, "groups", source),
        item_ids=_one_an_image(arrays, "item_ids", source),
        held_out=_held_out(arrays, source),
    )


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


def _one_an_image(arrays: dict[str, np.ndarray], name: str, source: str) -> np.ndarray | None:
    """An optional array with one entry an image."""
    array = arrays.get(name)
    if array is not None and array.ndim != 1:
        checks.fail(source, name, f"has shape {array.shape}", "its shape must be (images,)")
    return array


def _held_out(arrays: dict[str, np.ndarray], source: str) -> np.ndarray | None:
    """An optional (N,) mask of images for testing only, with some of either kind."""
    mask = _one_an_image(arrays, "held_out", source)
    if mask is None:
        return None
    if not np.isin(mask, (0, 1)).all() or len(np.unique(mask)) < 2:
        problem = "must hold True or 1 for test images and False or 0 for the others, and some of each"
        checks.fail(source, "held_out", problem, "mark the images that nobody may train on")
    return mask.astype(bool)
