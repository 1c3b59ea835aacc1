"""What a label source may look at."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError


@dataclass(frozen=True)
class Evidence:
    """What is known of N training examples before targets are built from it.

    Attributes:
        labels: (N,) class indices of the dataset.
        classes: number of classes C.
        client: (N,) client that holds each example.
        votes: (N, C) vote counts that were collected, or None.
        soft: (N, C) soft labels made of the answers that were bought; private ones may leave the simplex.
        predictions: (N, C) out-of-fold predictions of a model, or None.
        annotations: the single annotations behind the votes, items being rows of this evidence, or None where
            they are not known one by one.
        labels_are_majority: whether labels are the votes' own mode, and so say nothing that votes do not.
        row: (N,) the item of each example, where several clients may hold one; None where each has its own.
        fewer: whether a source that draws votes takes all where an example has fewer.
        prior: (N, C) what label privacy may know of an example beforehand: the predictions of a model that
            was trained on others' private answers, NaN where there are none.
        asked: (N,) whether an example's answers are asked now, for targets; None for all.
    """

    labels: np.ndarray
    classes: int
    client: np.ndarray
    votes: np.ndarray | None = None
    soft: np.ndarray | None = None
    predictions: np.ndarray | None = None
    annotations: Annotations | None = None
    labels_are_majority: bool = False
    row: np.ndarray | None = None
    fewer: bool = False
    prior: np.ndarray | None = None
    asked: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, rows: np.ndarray) -> Self:
        """The evidence on some of the examples."""

        def pick(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[rows]

        return replace(
            self,
            labels=self.labels[rows],
            client=self.client[rows],
            votes=pick(self.votes),
            soft=pick(self.soft),
            predictions=pick(self.predictions),
            annotations=self.annotations and self.annotations.of_items(rows),
            row=pick(self.row),
            prior=pick(self.prior),
            asked=pick(self.asked),
        )

    def need(self, part: str, wanted_by: str) -> np.ndarray:
        """A part that must be there, for every example.

        Raises:
            DataError: there is none, or an example has none: no vote, or NaN.
        """
        array: np.ndarray | None = getattr(self, part)
        lacking = len(self) if array is None else int((~(array.sum(axis=1) > 0)).sum())
        if array is None or lacking:
            raise DataError(
                f"label source {wanted_by!r} needs {part}, and {lacking} of {len(self)} examples have none; "
                "leave these out or choose another source."
            )
        return array


def onehot(labels: np.ndarray, classes: int) -> np.ndarray:
    """(N,) class indices -> (N, C) rows with all mass on one class."""
    rows = np.zeros((len(labels), classes))
    rows[np.arange(len(labels)), labels] = 1.0
    return rows
