"""Bring your own data in one file."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from fedsoft.datasets.about import About, Crowd, GroupKind, LabelOrigin
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset, UserPath


@DATASETS("npz")
class Npz(ArchivedDataset):
    """Your own data: one .npz file with images or features, labels and, if there are, votes.

    Arrays: `labels` (N,) class indices; `images` (N, H, W) or (N, H, W, 1 or 3) uint8, or `features`
    (N, D). Optional: `votes` (N, C) counts; `class_names` (C,); `item_ids` (N,); `annotator_labels` (N, R)
    single answers, -1 where there is none; `annotator_ids` (R,) or (N, R); `groups` (N,) the person
    or site of each item; `held_out` (N,) items for testing only. Pickled objects are never loaded.
    """

    locations: ClassVar[tuple[str, ...]] = ("path",)

    path: UserPath = Field(description="the file; a relative path starts at the current folder")
    crowd: Crowd = Field("real", description="whose votes these are")
    labels_are: LabelOrigin | None = Field(
        None,
        description="majority of the votes, or independent of them; without it, majority if all could be",
    )
    groups_are: GroupKind | None = Field(
        None,
        description="people, who are never in training and test at once, or sites; without it, people from "
        "50 groups on",
    )

    def file(self) -> Path:
        """The user's file."""
        return Path(self.path)

    def mend(self) -> str:
        """What to do if the file is missing."""
        return "correct `path`; a relative path starts at the current folder"

    def about(self) -> About:
        """As the options say."""
        return About(crowd=self.crowd, labels_are=self.labels_are, groups_are=self.groups_are)
