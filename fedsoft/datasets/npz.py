"""Bring your own data in one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field

from fedsoft.datasets import checks
from fedsoft.datasets.about import About, GroupKind
from fedsoft.datasets.answers.tidy import Answers
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset, UserPath
from fedsoft.datasets.own import OwnData


@DATASETS("npz")
class Npz(OwnData, ArchivedDataset):
    """Your own data: one .npz file with images or features, labels and, if there are, votes.

    Arrays: `images` (N, H, W) or (N, H, W, 1, 3 or 4), or `features` (N, D); `labels` (N,) class indices, -1
    for none; `votes` (N, C) counts, or shares of soft answers; `class_names` (C,); `item_ids` (N,);
    `annotator_labels` (N, R) single answers, -1 for none; `annotator_ids` (R,) or (N, R); `groups` (N,) the
    person or site of each item; `held_out` (N,) items for testing only; `predictions`, or `predictions_clip`
    and so on, (N, C) what models of your own give. Inputs are required, and labels,
    votes or answers. Single answers may come from a file of their own, `annotations`, to the items that
    `item_ids` names. Pickled objects are never loaded.
    """

    path: UserPath = Field(description="the file; a relative path starts at the current folder")
    annotations: UserPath | None = Field(
        None, description="answers to the items of `item_ids`: a CSV, or an export of an annotation tool"
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
        """The file, and that of the answers."""
        return [self.file(), *([Path(self.annotations)] if self.annotations else [])]

    def mend(self) -> str:
        """What to do if the file is missing."""
        return "correct `path`; a relative path starts at the current folder"

    def missing(self) -> str | None:
        """Whether the files are there, and what to do if not."""
        if self.annotations and not Path(self.annotations).exists():
            return f"{self.annotations} does not exist; correct `annotations`."
        return super().missing() or self.missing_predictions()

    def answers(self, arrays: dict[str, np.ndarray]) -> Answers | None:
        """What the file of answers holds; None without one."""
        if self.annotations is None:
            return None
        ids = arrays.get("item_ids")
        if ids is None:
            mend = "add each item's name, as the answers call it"
            checks.fail(self.path, "item_ids", "is missing, so that answers cannot be given to items", mend)
        known: tuple[str, ...] = ()
        if "class_names" in arrays:
            known = checks.check_class_names(arrays["class_names"], self.path)
        elif "labels" in arrays and arrays["labels"].dtype.kind in "US":
            known = tuple(str(name) for name in np.unique(arrays["labels"].astype(str)) if name)
        elif "labels" in arrays:
            labels = checks.check_labels(arrays["labels"], self.path)
            known = tuple(str(label) for label in range(labels.max() + 1))
        noun = "images" if "images" in arrays else "items"
        return self.read_answers(Path(self.annotations), [str(one) for one in ids], known, noun)
