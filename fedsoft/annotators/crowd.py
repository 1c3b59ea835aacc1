"""The people of a dataset."""

import numpy as np

from fedsoft.annotators.people import People, people_of
from fedsoft.annotators.spread import Differences, differences
from fedsoft.datasets import AnnotatedDataset, Annotations
from fedsoft.streams import stream


def people_in(data: AnnotatedDataset) -> People | None:
    """Everybody who gave answers, beside the others; None where single answers are not known."""
    answers = data.annotations
    if answers is None:
        return None
    labels = None
    if not data.labels_are_majority:
        labels = data.labels if data.labelled is None else np.where(data.labelled, data.labels, -1)
    return people_of(
        answers.item, answers.annotator, answers.label, _number(answers), data.classes, labels, data.repeated
    )


def differences_in(data: AnnotatedDataset) -> Differences | None:
    """What a dataset's people differ in; None where single answers are not known, or few gave many."""
    answers = data.annotations
    if answers is None:
        return None
    rng = stream("answers dealt anew")
    return differences(answers.item, answers.annotator, answers.label, _number(answers), data.classes, rng)


def _number(answers: Annotations) -> int:
    """How many people there are."""
    if answers.annotator_ids is not None:
        return len(answers.annotator_ids)
    return int(answers.annotator.max(initial=-1)) + 1


def names_of(data: AnnotatedDataset, people: int) -> list[str]:
    """What the source calls each of R people, or their numbers."""
    known = None if data.annotations is None else data.annotations.annotator_ids
    return [str(name) for name in (range(people) if known is None else known)]
