"""Bring your own data in one file."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from fedsoft.datasets.dataset import DATASETS, ArchivedDataset, UserPath


@DATASETS("npz")
class Npz(ArchivedDataset):
    """Your own data: one .npz file with images or features, labels and, if there are, votes.

    Arrays: `labels` (N,) class indices; `images` (N, H, W) or (N, H, W, 1 or 3) uint8, or `features`
    (N, D). Optional: `votes` (N, C) counts; `class_names` (C,); `item_ids` (N,); `annotator_labels` (N, R)
    single answers, -1 where there is none; `annotator_ids` (R,) or (N, R); `groups` (N,) the natural
    client of each image; `held_out` (N,) images for testing only. Pickled objects are never loaded.
    """

    locations: ClassVar[tuple[str, ...]] = ("path",)

    path: UserPath = Field(description="the file; a relative path starts at the current folder")
    crowd: Literal["real", "simulated"] = Field("real", description="whose votes these are")

    def file(self) -> Path:
        """The user's file."""
        return Path(self.path)

    def mend(self) -> str:
        """What to do if the file is missing."""
        return "correct `path`; a relative path starts at the current folder"

    def people(self) -> Literal["real", "simulated"]:
        """As the option says."""
        return self.crowd
