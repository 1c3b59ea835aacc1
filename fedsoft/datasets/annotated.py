"""The one shape of input data: images or features with labels and, where they exist, human votes."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from fedsoft.errors import DataError


@dataclass(frozen=True)
class Annotations:
    """Single annotations, one row each, as crowdsourcing tools export them.

    Attributes:
        item: (A,) index of the annotated image.
        annotator: (A,) annotator number.
        label: (A,) class index that the annotator chose.
        annotator_ids: (R,) what the source calls each annotator.
    """

    item: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    annotator_ids: np.ndarray | None = None

    def of_items(self, items: np.ndarray) -> Self:
        """The annotations of some images, each named once; item i becomes the place of i among these."""
        place = np.full(max(self.item.max(initial=-1), items.max(initial=-1)) + 1, -1)
        place[items] = np.arange(len(items))
        kept = place[self.item] >= 0
        return replace(
            self,
            item=place[self.item[kept]],
            annotator=self.annotator[kept],
            label=self.label[kept],
        )


@dataclass(frozen=True)
class AnnotatedDataset:
    """Inputs with labels and votes.

    Attributes:
        name: the dataset's name.
        inputs: (N, D) float features, or (N, H, W, channels) uint8 images.
        labels: (N,) int64 class indices: the dataset's own label of each image.
        class_names: C names.
        votes: (N, C) int64 counts of annotators who chose each class, or None.
        crowd: whether the votes are of ``real`` people or of a ``simulated`` crowd; None without votes.
        annotations: the single annotations behind the votes, where they are known.
        groups: (N,) natural client of each image (hospital, writer), where there is one.
        item_ids: (N,) what the source calls each image.
        held_out: (N,) whether an image is for testing only; None where folds are held out in turn.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    votes: np.ndarray | None = None
    crowd: Literal["real", "simulated"] | None = None
    annotations: Annotations | None = None
    groups: np.ndarray | None = None
    item_ids: np.ndarray | None = None
    held_out: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    @property
    def crowd_name(self) -> str:
        """What to call the people behind the votes in anything that a person reads."""
        return {"real": "human votes", "simulated": "simulated crowd", None: "no votes"}[self.crowd]

    def summary(self) -> str:
        """What the dataset holds, in a line or two."""
        kind = "images" if self.inputs.ndim == 4 else "features"
        shape = "×".join(map(str, self.inputs.shape[1:]))
        text = f"{self.name}: {len(self):,} examples, {kind} {shape}, {self.classes} classes"
        if self.votes is None:
            return f"{text}, no votes."
        totals = self.votes.sum(axis=1)
        unanimous = (self.votes.max(axis=1) == totals).mean()
        agrees = self.votes[np.arange(len(self)), self.labels].sum() / totals.sum()
        return (
            f"{text}.\n{self.crowd_name.capitalize()}: {totals.sum():,}, {totals.min()} to {totals.max()} an "
            f"example; {unanimous:.1%} of examples unanimous; a vote agrees with the label {agrees:.1%} "
            "of the time."
        )

    def require_votes(self, wanted_by: str) -> np.ndarray:
        """The votes, or an error that says who needs them.

        Raises:
            DataError: the dataset has no votes.
        """
        if self.votes is None:
            raise DataError(
                f"{wanted_by} needs human votes, but dataset {self.name!r} has only labels; "
                "add a `votes` array to the data or choose a source without votes (hard, teacher)."
            )
        return self.votes
