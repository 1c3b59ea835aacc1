"""Bring your own data as annotation tools export them: pictures, and what people answered."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from pydantic import Field

from fedsoft.datasets.answered import labels_for, numbers_of, read_for
from fedsoft.datasets.answers.read import RawAnswers
from fedsoft.datasets.answers.tidy import Answers, tidy
from fedsoft.datasets.dataset import DATASETS, Contents, UserPath
from fedsoft.datasets.own import NearPath, OwnData, beside
from fedsoft.datasets.pictures import is_picture, read_pictures
from fedsoft.errors import DataError
from fedsoft.plural import plural

USUAL = "annotations.csv"
"""The file of answers where none is named."""
SUBFOLDERS = "subfolders"
"""Instead of a table of labels: each picture's folder is its label."""


@DATASETS("folder")
class ImageFolder(OwnData):
    """Your own data: a folder of images, and a CSV or an export of an annotation tool with people's answers.

    A CSV has a row an answer (item, annotator, label; other column names can be mapped). An item is an
    image's path within the folder; subfolders, and names without extension or with an export's prefix, are
    found. Labels come from a second table (item, label) or from subfolders; without them they are the
    answers' majority, ties at random, and mode shifts cannot be studied. Files that are no images, and images
    with neither answer nor label, do not count.
    """

    path: UserPath = Field(description="the folder of images; a relative path starts at the current folder")
    annotations: NearPath | None = Field(
        None,
        description="what people answered: a CSV, or an export of an annotation tool, in the current folder, "
        "the images' or the one around it; without it, annotations.csv where there is one",
    )
    labels: NearPath | None = Field(
        None,
        description="the dataset's own labels: a CSV (item, label), found likewise, or `subfolders` where "
        "images lie in one folder a class",
    )
    size: int = Field(32, ge=4, le=1024, description="images are resized to size × size colour pixels")

    def source(self) -> str:
        """The folder."""
        return self.path

    def missing(self) -> str | None:
        """Whether folder and tables are there, and what to do if not."""
        folder = Path(self.path)
        if not folder.is_dir():
            return f"{folder} is not a folder; correct `path`, which starts at the current folder."
        for option, file in self._tables().items():
            if not file.exists():
                places = f"in {Path.cwd()}, {folder} or {folder.parent}"
                return f"{file.name} does not exist {places}; add it or correct `{option}`."
        return self.missing_predictions()

    def fingerprint(self) -> str:
        """A hash of the tables and of the images that are in them, by name.

        Raises:
            DataError: the data are missing, or cannot be read.
        """
        if reason := self.missing():
            raise DataError(reason)
        found = self._items()
        files = [*self._tables().values(), *(Path(self.path) / name for name in found.ids)]
        return self.hash_of(files, (*self.roles(), *found.ids))

    def contents(self) -> Contents:
        """The images that have an answer or a label, their labels and answers."""
        found = self._items()
        arrays = {
            "images": read_pictures([Path(self.path) / name for name in found.ids], self.size),
            "item_ids": np.array(found.ids),
        }
        if found.labels is not None:
            arrays |= {"labels": found.labels, "class_names": np.array(found.class_names)}
        return Contents(arrays, found.answers, found.told)

    def _answers_file(self) -> Path | None:
        folder = Path(self.path)
        if self.annotations is not None:
            return beside(self.annotations, folder)
        usual = beside(USUAL, folder)
        return usual if usual.exists() or self.labels is None else None

    def _labels_file(self) -> Path | None:
        if self.labels is None or self.labels == SUBFOLDERS:
            return None
        return beside(self.labels, Path(self.path))

    def roles(self) -> tuple[str, ...]:
        """Which tables there are, and whether subfolders stand in for that of labels."""
        return (*self._tables(), *([SUBFOLDERS] if self.labels == SUBFOLDERS else []))

    def _tables(self) -> dict[str, Path]:
        """The tables that there are, by what they are for."""
        tables = {"annotations": self._answers_file(), "labels": self._labels_file()}
        return {role: file for role, file in tables.items() if file is not None}

    def _items(self) -> "Items":
        pictures = tuple(
            sorted(
                file.relative_to(self.path).as_posix()
                for file in Path(self.path).rglob("*")
                if is_picture(file.name) and not file.name.startswith(".") and file.is_file()
            )
        )
        if not pictures:
            raise DataError(
                f"{self.path} holds no image; correct `path`, or add images (PNG, JPEG, TIFF, …)."
            )
        return _read(self, self.hash_of(list(self._tables().values())), pictures)


@dataclass(frozen=True)
class Items:
    """What the tables say of the images.

    Attributes:
        ids: N paths of images within the folder that have an answer or a label.
        labels: (N,) class indices, -1 for none; None without labels.
        class_names: of the labels, and of all answers where there are some.
        answers: what people answered, if there is a file of that.
        told: what was odd but usable in labels and images, a sentence each.
    """

    ids: tuple[str, ...]
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    answers: Answers | None
    told: tuple[str, ...]


@lru_cache(maxsize=2)
def _read(folder: ImageFolder, tables: str, pictures: tuple[str, ...]) -> Items:
    """The tables, read once until they or the list of images change."""
    known: tuple[str, ...] = ()
    own, told = _labels(folder, pictures)
    if own:
        known = own.class_names
    answers = None
    if (file := folder._answers_file()) is not None:
        answers = read_for(file, folder, list(pictures), known, "images")
    named = {*(own.items if own else ()), *(answers.items if answers else ())}
    ids = tuple(name for name in pictures if name in named)
    if left := len(pictures) - len(ids):
        has, are = ("has", "is") if left == 1 else ("have", "are")
        note = f"{plural(left, 'image')} in {folder.path} {has} neither answer nor label and {are} left out."
        told = (*told, note)
    if len(ids) < 2:
        raise DataError(
            f"{folder.path} has {plural(len(ids), 'image')} with an answer or a label, and a dataset needs "
            "two at least; add some, or correct `path`."
        )
    labels = numbers_of(own, list(ids)) if own else None
    names = answers.class_names if answers else known
    return Items(ids, labels, names if own else (), answers, told)


def _labels(folder: ImageFolder, pictures: tuple[str, ...]) -> tuple[Answers | None, tuple[str, ...]]:
    """The labels of images, from their table or from the folders that they lie in, and what was told."""
    if folder.labels is None:
        return None, ()
    if (file := folder._labels_file()) is not None:
        return labels_for(file, folder, list(pictures), "images")
    inside = [(name, str(PurePosixPath(name).parent.name)) for name in pictures]
    inside = [(name, parent) for name, parent in inside if parent]
    if not inside:
        raise DataError(
            f'{folder.path} has no subfolders with images, which labels = "subfolders" would be named by; '
            "name a CSV of labels instead."
        )
    raw = RawAnswers(
        where=folder.path,
        place="entry",
        items=[name for name, _ in inside],
        annotators=None,
        classes=[label for _, label in inside],
        weights=None,
        numbers=np.arange(1, len(inside) + 1),
        told=(),
        matched=True,
    )
    return tidy(raw, folder), ()
