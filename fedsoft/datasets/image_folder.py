"""Bring your own data as crowdsourcing tools export them: images and a table of single annotations."""

import csv
import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.datasets.about import About, Crowd, LabelOrigin
from fedsoft.datasets.dataset import DATASETS, Dataset, UserPath
from fedsoft.datasets.pictures import read_pictures
from fedsoft.errors import DataError
from fedsoft.streams import stream


@DATASETS("folder")
class ImageFolder(Dataset):
    """Your own data: a folder of images and a CSV of single annotations (item, annotator, label).

    `item` is an image's file name within the folder. Classes are the distinct labels, sorted as
    numbers where all are whole numbers, else by name.
    Labels come from a second CSV (item, label); without it they are the annotators' majority, ties at
    random, and mode shifts cannot be studied. Images without an annotation are left out.
    """

    locations: ClassVar[tuple[str, ...]] = ("path",)

    path: UserPath = Field(description="the folder of images; a relative path starts at the current folder")
    annotations: str = Field("annotations.csv", description="CSV of annotations; relative to the folder")
    labels: str | None = Field(None, description="CSV of the dataset's own labels; relative to the folder")
    size: int = Field(32, ge=4, le=1024, description="images are resized to size × size colour pixels")
    crowd: Crowd = Field("real", description="whose annotations these are")
    labels_are: LabelOrigin | None = Field(
        None,
        description="majority of the votes, or independent of them; without it, majority if all could be",
    )

    def about(self) -> About:
        """As the options say."""
        return About(crowd=self.crowd, labels_are=self.labels_are)

    def source(self) -> str:
        """The folder."""
        return str(self._folder())

    def files(self) -> list[Path]:
        """The tables, and everything that lies in the folder beside them."""
        tables = [self._folder() / name for name in (self.annotations, self.labels) if name is not None]
        return [*tables, *sorted(file for file in self._folder().iterdir() if file.is_file())]

    def missing(self) -> str | None:
        """Whether folder and tables are there, and what to do if not."""
        if not self._folder().is_dir():
            return f"{self._folder()} is not a folder; correct `path`, which starts at the current folder."
        for option, file in (("annotations", self.annotations), ("labels", self.labels)):
            if file is not None and not (self._folder() / file).is_file():
                return f"{self._folder() / file} does not exist; add it or correct `{option}`."
        return None

    def arrays(self) -> dict[str, np.ndarray]:
        """The images that were annotated, with the single annotations of each."""
        rows = _read_table(self._folder() / self.annotations, ("item", "annotator", "label"))
        if not rows:
            raise DataError(f"{self._folder() / self.annotations} holds no annotation; add one row a vote.")
        items, item = np.unique([row["item"] for row in rows], return_inverse=True)
        own = self._own_labels(items)
        names = _in_order({row["label"] for row in rows} | set(own.values()))
        place = {name: at for at, name in enumerate(names)}
        answer = np.array([place[row["label"]] for row in rows])
        if self.labels is None:
            labels = _majority(item, answer, len(items), len(names))
        else:
            labels = np.array([place[own[name]] for name in items])
        answers, annotators = _side_by_side(item, answer, np.array([row["annotator"] for row in rows]))
        return {
            "images": read_pictures([self._folder() / name for name in items], self.size),
            "labels": labels,
            "class_names": np.array(names),
            "item_ids": items,
            "annotator_labels": answers,
            "annotator_ids": annotators,
        }

    def _folder(self) -> Path:
        return Path(self.path)

    def _own_labels(self, items: np.ndarray) -> dict[str, str]:
        """The label of each item from the second table; empty without one."""
        if self.labels is None:
            return {}
        file = self._folder() / self.labels
        own = {row["item"]: row["label"] for row in _read_table(file, ("item", "label"))}
        if absent := [name for name in items.tolist() if name not in own]:
            raise DataError(f"{file} has no label for the annotated item {absent[0]!r}; add a row for it.")
        return {name: own[name] for name in items}


def _read_table(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a CSV that has these columns, none of them empty."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as table:
            reader = csv.DictReader(table)
            if absent := [column for column in columns if column not in (reader.fieldnames or ())]:
                mend = f"its first line must name the columns {', '.join(columns)}"
                raise DataError(f"{file} has no column {absent[0]!r}; {mend}.")
            rows = []
            for row in reader:
                if empty := [column for column in columns if not row[column]]:
                    mend = "fill it in or remove the row"
                    raise DataError(f"{file} has no {empty[0]} in line {reader.line_num}; {mend}.")
                rows.append({column: row[column] for column in columns})
            return rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a UTF-8 CSV file ({error}); export it again.") from None


def _in_order(names: set[str]) -> list[str]:
    """Class names as numbers where all are whole numbers, else by letters."""
    numbers = all(re.fullmatch(r"[+-]?[0-9]+", name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))


def _majority(item: np.ndarray, answer: np.ndarray, items: int, classes: int) -> np.ndarray:
    """(N,) the most frequent answer to each item, ties at random."""
    counts = np.bincount(item * classes + answer, minlength=items * classes).reshape(items, classes)
    return (counts + stream("majority label ties").random(counts.shape)).argmax(axis=1)


def _side_by_side(
    item: np.ndarray, answer: np.ndarray, annotator: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N, R) answers to each item, -1 where there are fewer than R, and who gave them."""
    order = np.argsort(item, kind="stable")
    item, answer, annotator = item[order], answer[order], annotator[order]
    column = np.arange(len(item)) - np.searchsorted(item, item)
    answers = np.full((item[-1] + 1, column.max() + 1), -1)
    annotators = np.zeros(answers.shape, dtype=annotator.dtype)
    answers[item, column] = answer
    annotators[item, column] = annotator
    return answers, annotators
