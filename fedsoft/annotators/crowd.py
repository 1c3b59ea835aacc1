"""The people of a dataset: everything that its single answers tell of them."""

from dataclasses import dataclass

import numpy as np

from fedsoft.annotators.krippendorff import Alpha, alpha_with_interval
from fedsoft.annotators.people import People, people_of
from fedsoft.annotators.spread import Differences, differences
from fedsoft.datasets import AnnotatedDataset
from fedsoft.streams import stream


@dataclass(frozen=True)
class KnownCrowd:
    """People of whom it is known who gave which answer.

    Attributes:
        people: each beside the others.
        names: R, what the source calls them, or their numbers.
        differences: what they differ in; None where fewer than two gave many answers.
        alpha: Krippendorff's alpha over items and people; None where votes are no counts.
        class_names: C.
    """

    people: People
    names: tuple[str, ...]
    differences: Differences | None
    alpha: Alpha | None
    class_names: tuple[str, ...]


def crowd_of(data: AnnotatedDataset) -> KnownCrowd | None:
    """The people of a dataset; None where single answers are not known."""
    answers = data.annotations
    if answers is None:
        return None
    labels = None
    if not data.labels_are_majority:
        labels = data.labels if data.labelled is None else np.where(data.labelled, data.labels, -1)
    ids = answers.annotator_ids
    number = int(answers.annotator.max(initial=-1)) + 1 if ids is None else len(ids)
    known = answers.item, answers.annotator, answers.label
    alpha = None
    if data.votes is not None and data.counted:
        alpha = alpha_with_interval(data.votes, *known)
    return KnownCrowd(
        people=people_of(*known, number, data.classes, labels, data.repeated),
        names=tuple(str(name) for name in (range(number) if ids is None else ids)),
        differences=differences(*known, number, data.classes, stream("answers dealt anew")),
        alpha=alpha,
        class_names=data.class_names,
    )
