"""People who err as the data's own people do."""

from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.annotators.aggregation import SMOOTHING, dawid_skene
from fedsoft.annotators.crowds.crowd import CROWDS, Asked, SimulatedCrowd, drawn
from fedsoft.annotators.crowds.sight import Sight, sight_of
from fedsoft.annotators.noise import destinations, uniform_others
from fedsoft.annotators.spread import ENOUGH
from fedsoft.datasets import AnnotatedDataset, Annotations
from fedsoft.errors import DataError


@CROWDS("fitted")
class Fitted(SimulatedCrowd):
    """People like the data's own, where it is known who answered what: each errs as one of them does.

    Each person has the confusion matrix of a real one who gave 20 answers or more, drawn with replacement,
    and answers by it what the item's label is; where labels are the answers' own majority, what Dawid-Skene
    finds likeliest. So people differ as real ones do, and items of one class are equally hard, as that model
    has it.
    """

    by: Literal["people", "answers"] = Field(
        "people",
        description="whether each real person is as likely to be drawn, or each of their answers, which "
        "makes simulated votes as often right as real ones where those who answer most are not like the rest",
    )

    @classmethod
    def looks(cls, data: AnnotatedDataset) -> Sight:
        """One true class an item, and the matrices of the data's people.

        Raises:
            DataError: it is not known who answered what, or nobody gave 20 answers.
        """
        answers = data.annotations
        if answers is None:
            raise DataError(
                f"crowd 'fitted' needs to know who answered what, but dataset {data.name!r} does not say it; "
                "add a file of answers with a column of annotators, or choose the crowd 'population'."
            )
        truth = np.eye(data.classes)[data.labels]
        open_ = np.zeros(len(data), dtype=bool) if data.labelled is None else ~data.labelled
        if data.labels_are_majority or open_.any():
            rows = np.flatnonzero(data.voted)
            found = dawid_skene(answers.of_items(rows), len(rows), data.classes).posterior
            unsure = np.ones(len(rows), dtype=bool) if data.labels_are_majority else open_[rows]
            truth[rows[unsure]] = np.eye(data.classes)[found[unsure].argmax(axis=1)]
        usual = sight_of(data)
        return Sight(
            truth, np.zeros(len(data)), usual.slips_to, usual.shares, usual.given,
            *matrices(answers, truth, data.name),
        )  # fmt: skip

    def draws(self, classes: int) -> tuple[int, int]:
        """One a person, two an answer."""
        return 1, 2

    def said(self, sight: Sight, asked: Asked) -> np.ndarray:
        """(A,) by the matrix of the real person that each simulated one was made after."""
        weight = sight.answered if self.by == "answers" else np.ones_like(sight.answered)
        ends = np.cumsum(weight)[:-1] / weight.sum()
        like = np.searchsorted(ends, asked.traits[:, 0], side="right")[asked.person]
        true = drawn(sight.seen, asked.row, asked.chance[:, 0])
        classes = sight.seen.shape[1]
        return drawn(sight.matrices.reshape(-1, classes), like * classes + true, asked.chance[:, 1])


def matrices(answers: Annotations, truth: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What the Q people with 20 answers or more are like.

    A row has few answers, so it borrows `SMOOTHING` of them that are right as often as the person is in all,
    and wrong as the whole crowd is on that class. How often a person is right stays as it was observed, and
    so differs between people a little more than it really does.

    Args:
        answers: who answered what.
        truth: (N, C) one-hot, or the probability of each class being an item's true one.
        name: the dataset's.

    Returns:
        (Q, C, C) probability of each answer, given the true class, and (Q,) answers given.

    Raises:
        DataError: nobody gave 20 answers.
    """
    people, classes = int(answers.annotator.max(initial=-1)) + 1, truth.shape[1]
    cell = answers.annotator * classes + answers.label
    counts = np.stack(
        [
            np.bincount(cell, truth[answers.item, true], people * classes).reshape(people, classes)
            for true in range(classes)
        ],
        axis=1,
    )
    counts = counts[np.bincount(answers.annotator, minlength=people) >= ENOUGH]
    if not len(counts):
        raise DataError(
            f"crowd 'fitted' needs people who gave {ENOUGH} answers or more, and dataset {name!r} has none; "
            "choose the crowd 'population'."
        )
    crowd = counts.sum(axis=0)
    wrong = destinations(crowd)
    none = ~(crowd * (1 - np.eye(classes))).any(axis=1, keepdims=True)
    wrong = np.where(none, uniform_others(classes), wrong)
    right = np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2))
    right = right[:, np.newaxis, np.newaxis]
    borrowed = right * np.eye(classes) + (1 - right) * wrong
    rows = (counts + SMOOTHING * borrowed) / (counts.sum(axis=2, keepdims=True) + SMOOTHING)
    return rows, counts.sum(axis=(1, 2))
