"""The one shape of input data: images or features with labels and, where they exist, human votes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from fedsoft.datasets.about import MANY_GROUPS, Crowd, GroupKind, are_modes
from fedsoft.errors import DataError
from fedsoft.registry import nearest


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
        labels: (N,) int64 class indices: the dataset's own label of each item, or what stands in for it.
        class_names: C names.
        votes: (N, C) int64 counts of annotators who chose each class; or float64 shares of soft answers,
            whose rows sum to the number of these; rows of zeros for items on which nobody voted; or None.
        crowd: whether the votes are of ``real`` people or of a ``simulated`` crowd; None without votes.
        annotations: the single annotations behind the votes, where they are known.
        groups: (N,) group of each item (hospital, patient, writer), where there is one.
        item_ids: (N,) what the source calls each item.
        held_out: (N,) whether an item is for testing only; None where folds are held out in turn.
        testable: (N,) whether an item may be tested; None where all may. The others only train.
        labelled: (N,) whether an item's label is its own, and not a stand-in; None where all are.
        repeated: (P, 4) item, annotator, class of an earlier answer and of a later one, where a person
            answered an item more than once; None where that is not known.
        predictions: by name, (N, C) probabilities that a model of the user's own gives; rows of NaN where it
            gives none.
        notes: what was odd but usable, a sentence each.
        noun: what its items are called, in the plural.
        labels_are_majority: whether labels are the votes' own mode, and so no evidence beside them.
        groups_are: whether a group is one of many ``people``, whose items may not stand in training and test
            at once, or one of the ``sites`` that could be clients; None without groups.
        told: which of ``labels_are`` and ``groups_are`` its source told, and were not recognised.
        attribution: whom to name, and the licence, where data are passed on that ask for it.
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
    testable: np.ndarray | None = None
    labelled: np.ndarray | None = None
    repeated: np.ndarray | None = None
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    noun: str = "examples"
    labels_are_majority: bool = False
    groups_are: GroupKind | None = None
    told: frozenset[str] = frozenset()
    attribution: str | None = None

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
    def voted(self) -> np.ndarray:
        """(N,) whether anybody voted on an item."""
        if self.votes is None:
            return np.zeros(len(self), dtype=bool)
        some: np.ndarray = self.votes.sum(axis=1) > 0
        return some

    @property
    def counted(self) -> bool:
        """Whether votes are counts, of which some can be drawn, and not shares."""
        return self.votes is not None and self.votes.dtype.kind == "i"

    @property
    def judges(self) -> np.ndarray | None:
        """(N, C) the votes, where there are some on every item that may be tested; else None.

        Models are compared with people on all tested items or on none.
        """
        return self.votes if self.voted[self.may_be_tested].all() else None

    @property
    def may_be_tested(self) -> np.ndarray:
        """(N,) whether an item is tested by any seed."""
        tested = np.ones(len(self), dtype=bool) if self.held_out is None else self.held_out
        return tested if self.testable is None else tested & self.testable

    @property
    def people(self) -> np.ndarray | None:
        """(N,) the person of each item, where groups are people."""
        return self.groups if self.groups_are == "people" else None

    def summary(self) -> str:
        """What the dataset holds, in a few lines."""
        lines = [self._holds(), self._labels_line(), self._groups_line(), *self._models(), *self.notes]
        if self.attribution:
            lines.append(f"Attribution: {self.attribution}")
        return "\n".join(line for line in lines if line)

    def _holds(self) -> str:
        """Items, inputs, classes and votes."""
        kind = "images" if self.inputs.ndim == 4 else "features"
        shape = "×".join(map(str, self.inputs.shape[1:]))
        inputs = f"{kind} {shape}" if self.inputs.size else "no images or features"
        text = f"{self.name}: {len(self):,} {self.noun}, {inputs}, {self.classes} classes"
        if self.votes is None:
            return f"{text}, no votes."
        votes = self.votes[self.voted]
        totals = votes.sum(axis=1)
        agrees = votes[np.arange(len(votes)), self.labels[self.voted]].sum() / totals.sum()
        low, high = f"{totals.min():.0f}", f"{totals.max():.0f}"
        each = f"{low} each" if low == high else f"{low} to {high} each"
        crowd = self.crowd_name if self.counted else f"{self.crowd_name} as shares (soft answers)"
        on = "" if len(votes) == len(self) else f" on {len(votes):,} {self.noun}"
        return (
            f"{text}.\n{crowd[0].upper()}{crowd[1:]}: {totals.sum():,.0f}{on}, {each}; "
            f"{self._unanimous(votes)}; a vote agrees with the label {agrees:.1%} of the time."
        )

    def _unanimous(self, votes: np.ndarray) -> str:
        """On how many of the items on which it takes two to disagree nobody does."""
        totals = votes.sum(axis=1)
        several = totals > 1 if self.counted else totals > 0
        if not several.any():
            return "one each, so that nobody could disagree"
        share = (votes.max(axis=1) > totals - 1e-9)[several].mean()
        what = f"the {several.sum():,} with two or more" if not several.all() else self.noun
        return f"{share:.1%} of {what} unanimous"

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

    def _models(self) -> list[str]:
        """How good each of the user's own models seems; if bad, its rows or columns may be mixed up."""
        lines = []
        for name, rows in self.predictions.items():
            known = ~np.isnan(rows[:, 0]) & (True if self.labelled is None else self.labelled)
            if not known.any():
                lines.append(
                    f"Own model {name!r}: no prediction for any of the {self.noun} that have a label."
                )
                continue
            labels = self.labels[known]
            right = float((rows[known].argmax(axis=1) == labels).mean())
            usual = float(np.bincount(labels).max() / len(labels))
            odd = ", no more than the most frequent label is: check the order of its rows and classes"
            lines.append(
                f"Own model {name!r}: its likeliest class is the label of {right:.1%} of {known.sum():,} "
                f"{self.noun}{odd if right <= usual else ''}; what it was trained on is not known here."
            )
        return lines

    def item_name(self, row: int) -> str:
        """What to call an item in anything that a person reads."""
        return f"number {row}" if self.item_ids is None else repr(str(self.item_ids[row]))

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

    def require_predictions(self, name: str, wanted_by: str) -> np.ndarray:
        """(N, C) the predictions of a model of the user's own, or an error that says who needs them.

        Raises:
            DataError: the dataset has none of that name.
        """
        if name in self.predictions:
            return self.predictions[name]
        hint = f" ({nearest(name, list(self.predictions))})" if self.predictions else ""
        raise DataError(
            f"{wanted_by} needs predictions {name!r} of your own model, which dataset {self.name!r} does not "
            f'have{hint}; add them by dataset.predictions = {{ {name} = "file.npy" }}.'
        )

    def require_counts(self, wanted_by: str) -> np.ndarray:
        """The votes as counts, or an error that says who needs them.

        Raises:
            DataError: the dataset has no votes, or only shares.
        """
        votes = self.require_votes(wanted_by)
        if not self.counted:
            raise DataError(
                f"{wanted_by} needs single votes, but the votes of dataset {self.name!r} are shares (soft "
                "answers), which cannot be drawn one by one; add who answered what, or leave it out."
            )
        return votes
