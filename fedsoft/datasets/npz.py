"""Bring your own data in one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field

from fedsoft.datasets import checks
from fedsoft.datasets.about import About, GroupKind
from fedsoft.datasets.answered import labels_for, numbers_of, read_for
from fedsoft.datasets.answers.tidy import Answers
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset, Contents, UserPath
from fedsoft.datasets.own import OwnData
from fedsoft.errors import DataError
from fedsoft.registry import nearest


@DATASETS("npz")
class Npz(OwnData, ArchivedDataset):
    """Your own data: one .npz file with images or features, labels and, if there are, votes.

    Arrays: `images` (N, H, W) or (N, H, W, 1, 3 or 4), or `features` (N, D); `labels` (N,) class indices, -1
    for none; `votes` (N, C) counts, or shares of soft answers; `class_names` (C,); `item_ids` (N,);
    `annotator_labels` (N, R) single answers, -1 for none; `annotator_ids` (R,) or (N, R); `groups` (N,) the
    person or site of each item; `held_out` (N,) items for testing only; `predictions`, or `predictions_clip`
    and so on, (N, C) what models of your own give. Inputs are required, and labels, votes or answers. Labels
    and single answers may come from files of their own, for the items that `item_ids` names. Pickled objects
    are never loaded.
    """

    path: UserPath = Field(description="the file; a relative path starts at the current folder")
    annotations: UserPath | None = Field(
        None, description="answers to the items of `item_ids`: a CSV, or an export of an annotation tool"
    )
    labels: UserPath | None = Field(
        None, description="labels of the items of `item_ids`: a CSV (item, label), in place of an array"
    )
    groups_are: GroupKind | None = Field(
        None,
        description="people, who are never in training and test at once, or sites; without it, people from "
        "50 groups on",
    )

    def about(self) -> About:
        """As the options say."""
        return replace(super().about(), groups_are=self.groups_are)

    def file(self) -> Path:
        """The user's file."""
        return Path(self.path)

    def files(self) -> list[Path]:
        """The file, and the tables of answers and labels."""
        return [self.file(), *(Path(getattr(self, role)) for role in self.roles())]

    def roles(self) -> tuple[str, ...]:
        """Which tables there are."""
        return tuple(role for role in ("annotations", "labels") if getattr(self, role))

    def mend(self) -> str:
        """What to do if the file is missing."""
        return "correct `path`; a relative path starts at the current folder"

    def missing(self) -> str | None:
        """Whether the files are there, and what to do if not."""
        for role in self.roles():
            if not Path(getattr(self, role)).exists():
                return (
                    f"{getattr(self, role)} does not exist; correct `{role}`, which starts at {Path.cwd()}."
                )
        return super().missing() or self.missing_predictions()

    def contents(self) -> Contents:
        """The file's arrays, labels from their table, and answers from their file."""
        arrays, told = self._labelled(self.arrays())
        return Contents(arrays, self._answers(arrays), told)

    def _labelled(self, arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """The arrays with labels from their table, if there is one, and what was told of it."""
        if self.labels is None:
            return arrays, ()
        if "labels" in arrays:
            mend = "remove it, or leave the option `labels` out"
            checks.fail(self.path, "labels", "is there beside labels from a file", mend)
        ids = self._ids(arrays, "labels")
        labels, told = labels_for(Path(self.labels), self, ids, self._noun(arrays))
        numbers, names = numbers_of(labels, ids), labels.class_names
        if "class_names" in arrays:
            known = checks.check_class_names(checks.text(arrays["class_names"]), self.path)
            if absent := [name for name in names if name not in known]:
                raise DataError(
                    f"{self.labels} holds the label {absent[0]!r}, which is not in `class_names` of "
                    f"{self.path} ({nearest(absent[0], list(known))}); correct either."
                )
            place = np.array([known.index(name) for name in names])
            numbers, names = np.where(numbers < 0, -1, place[numbers]), known
        return {**arrays, "labels": numbers, "class_names": np.array(names)}, told

    def _ids(self, arrays: dict[str, np.ndarray], what: str) -> list[str]:
        """What the data call their items."""
        if "item_ids" not in arrays:
            mend = f"add each item's name, as the {what} call it"
            checks.fail(self.path, "item_ids", f"is missing, so that {what} cannot be given to items", mend)
        return [str(one) for one in checks.text(arrays["item_ids"])]

    def _noun(self, arrays: dict[str, np.ndarray]) -> str:
        return "images" if "images" in arrays else "items"

    def _answers(self, arrays: dict[str, np.ndarray]) -> Answers | None:
        """What the file of answers holds; None without one."""
        if self.annotations is None:
            return None
        ids = self._ids(arrays, "answers")
        known: tuple[str, ...] = ()
        if "class_names" in arrays:
            known = checks.check_class_names(checks.text(arrays["class_names"]), self.path)
        elif "labels" in arrays and arrays["labels"].dtype.kind in "US":
            known = tuple(str(name) for name in np.unique(arrays["labels"].astype(str)) if name)
        elif "labels" in arrays:
            labels = checks.check_labels(arrays["labels"], self.path)
            known = tuple(str(label) for label in range(labels.max() + 1))
        return read_for(Path(self.annotations), self, ids, known, self._noun(arrays))
