"""The one shape of input data: images or features with labels and, where they exist, human votes."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from fedsoft.datasets.about import MANY_GROUPS, Crowd, GroupKind, are_modes
from fedsoft.errors import DataError


@dataclass(frozen=True)
class Annotations:
    """Single annotations, one row each, as crowdsourcing tools export them.

    Attributes:
        item: (A,) index of the annotated item.
        annotator: (A,) annotator number.
        label: (A,) class index that the annotator chose.
        annotator_ids: (R,) what the source calls each annotator.
    """

    item: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    annotator_ids: np.ndarray | None = None

    def of_items(self, items: np.ndarray) -> Self:
        """The annotations of some items, each named once; item i becomes the place of i among these."""
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
        labels: (N,) int64 class indices: the dataset's own label of each item.
        class_names: C names.
        votes: (N, C) int64 counts of annotators who chose each class, or None.
        crowd: whether the votes are of ``real`` people or of a ``simulated`` crowd; None without votes.
        annotations: the single annotations behind the votes, where they are known.
        groups: (N,) group of each item (hospital, patient, writer), where there is one.
        item_ids: (N,) what the source calls each item.
        held_out: (N,) whether an item is for testing only; None where folds are held out in turn.
        noun: what its items are called, in the plural.
        labels_are_majority: whether labels are the votes' own mode, and so no evidence beside them.
        groups_are: whether a group is one of many ``people``, whose items may not stand in training and test
            at once, or one of the ``sites`` that could be clients; None without groups.
        told: which of ``labels_are`` and ``groups_are`` its source told, and were not recognised.
        attribution: whom to name, and the licence, where data are passed on that ask for it.
        notes: what was odd in its source, but usable, in sentences.
        repeated: (P, 4) item, annotator, class of an earlier answer and class of the later one, of one person
            to one item; None where nobody answered an item twice, or that is not known.
        labelled: (N,) whether an item's label is its own; None for all.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    votes: np.ndarray | None = None
    crowd: Crowd | None = None
    annotations: Annotations | None = None
    groups: np.ndarray | None = None
    item_ids: np.ndarray | None = None
    held_out: np.ndarray | None = None
    noun: str = "examples"
    labels_are_majority: bool = False
    groups_are: GroupKind | None = None
    told: frozenset[str] = frozenset()
    attribution: str | None = None
    notes: tuple[str, ...] = ()
    repeated: np.ndarray | None = None
    labelled: np.ndarray | None = None

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

    @property
    def people(self) -> np.ndarray | None:
        """(N,) the person of each item, where groups are people."""
        return self.groups if self.groups_are == "people" else None

    def summary(self) -> str:
        """What the dataset holds, in a few lines."""
        lines = [self._holds(), self._labels_line(), self._groups_line()]
        if self.attribution:
            lines.append(f"Attribution: {self.attribution}")
        return "\n".join(line for line in lines if line)

    def _holds(self) -> str:
        """Items, inputs, classes and votes."""
        kind = "images" if self.inputs.ndim == 4 else "features"
        shape = "×".join(map(str, self.inputs.shape[1:]))
        text = f"{self.name}: {len(self):,} {self.noun}, {kind} {shape}, {self.classes} classes"
        if self.votes is None:
            return f"{text}, no votes."
        totals = self.votes.sum(axis=1)
        unanimous = (self.votes.max(axis=1) == totals).mean()
        agrees = self.votes[np.arange(len(self)), self.labels].sum() / totals.sum()
        return (
            f"{text}.\n{self.crowd_name.capitalize()}: {totals.sum():,}, {totals.min()} to {totals.max()} "
            f"each; {unanimous:.1%} of {self.noun} unanimous; a vote agrees with the label {agrees:.1%} of "
            "the time."
        )

    def _labels_line(self) -> str:
        """Whether labels are the votes' own majority, why that is thought, and what would change it."""
        if self.votes is None:
            return ""
        others = int((~are_modes(self.labels, self.votes)).sum())
        if "labels_are" in self.told:
            if self.labels_are_majority:
                return "Labels: the votes' own majority."
            if not others:
                return "Labels: independent of the votes, as told, though every one is a mode of its votes."
            return f"Labels: independent of the votes; {others:,} are no mode of theirs."
        if self.labels_are_majority:
            return (
                "Labels: taken as the votes' own majority, since every one is a mode of its votes; "
                'labels_are = "independent" says that they come from elsewhere.'
            )
        return f"Labels: taken as independent of the votes, since {others:,} are no mode of theirs."

    def _groups_line(self) -> str:
        """How many groups there are, what they are taken as, and what would change it."""
        if self.groups is None:
            return ""
        number = len(np.unique(self.groups))
        if self.people is None:
            text = f"Groups: {number:,} sites, whose {self.noun} may stand in training and test"
            why, other = f"fewer than {MANY_GROUPS}", "people"
        else:
            text = f"Groups: {number:,} people, each with all {self.noun} either in training or in test"
            why, other = f"{MANY_GROUPS} or more", "sites"
            if self.held_out is not None:
                both = np.intersect1d(self.groups[self.held_out], self.groups[~self.held_out]).size
                text = f"Groups: {number:,} people, {both:,} of them on both sides of `held_out`"
        if "groups_are" in self.told:
            return f"{text}."
        return f'{text}; so taken since they are {why}: groups_are = "{other}" says otherwise.'

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
