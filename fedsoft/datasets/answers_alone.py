"""Answers without the items that they are about: enough to look at the people."""

from pathlib import Path

import numpy as np
from pydantic import Field

from fedsoft.datasets.answered import labels_for, numbers_of, read_for
from fedsoft.datasets.dataset import DATASETS, Contents, UserPath
from fedsoft.datasets.own import OwnData


@DATASETS("answers")
class AnswersAlone(OwnData):
    """Your own answers alone, a CSV or an export of an annotation tool: `data check` looks at the people.

    A study needs images or features too: see `folder` and `npz`.
    """

    locations = ("path", "labels", "predictions")

    path: UserPath = Field(description="the file of answers; a relative path starts at the current folder")
    labels: UserPath | None = Field(None, description="a CSV of gold labels (item, label), if there is one")

    def source(self) -> str:
        """The file."""
        return self.path

    def files(self) -> list[Path]:
        """The tables."""
        return [Path(self.path), *([Path(self.labels)] if self.labels else [])]

    def missing(self) -> str | None:
        """Whether the tables are there."""
        for file in self.files():
            if not file.exists():
                return f"{file} does not exist; correct the path, which starts at the current folder."
        return self.missing_predictions()

    def roles(self) -> tuple[str, ...]:
        """Which tables there are."""
        return ("path", *(["labels"] if self.labels else []))

    def contents(self) -> Contents:
        """The names of all items that were answered or have a label, their labels and answers; no inputs."""
        gold, told = labels_for(Path(self.labels), self, None, "items") if self.labels else (None, ())
        found = read_for(Path(self.path), self, None, gold.class_names if gold else (), "items")
        ids = list(dict.fromkeys([*found.items, *(gold.items if gold else ())]))
        arrays = {"item_ids": np.array(ids), "features": np.zeros((len(ids), 0), dtype=np.float32)}
        if gold:
            arrays |= {"labels": numbers_of(gold, ids), "class_names": np.array(found.class_names)}
        return Contents(arrays, found, told)
