"""What every dataset that a study file can name has in common."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator

from fedsoft.datasets.about import About
from fedsoft.datasets.annotated import AnnotatedDataset
from fedsoft.datasets.answers.tidy import Answers
from fedsoft.datasets.arrays import from_arrays
from fedsoft.errors import DataError, StoreError
from fedsoft.files import content_hash, read_npz
from fedsoft.registry import Options, Registry


def absolute(path: str) -> str:
    """A path of the user's from the root; ValueError if it is none."""
    if "\0" in path:
        raise ValueError("is no path (it holds a null character)")
    try:
        place = Path(path).expanduser().absolute()
        place.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"is no path ({error})") from None
    return str(place)


UserPath = Annotated[str, AfterValidator(absolute)]
"""A path of the user's: made absolute at once, since other processes start elsewhere."""


@dataclass(frozen=True)
class Contents:
    """What a dataset is made of.

    Attributes:
        arrays: as `fedsoft.datasets.arrays.from_arrays` takes them.
        answers: what people answered, where a file of its own says so, to items of these arrays.
        told: what was odd but usable in reading, a sentence each.
    """

    arrays: dict[str, np.ndarray]
    answers: Answers | None = None
    told: tuple[str, ...] = ()


class Dataset(Options):
    """A source of inputs, labels and votes.

    Class attributes:
        locations: options that say where the data lie, not what they are.
    """

    locations: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def contents(self) -> Contents:
        """What the data are made of, read once."""

    def prediction_files(self) -> dict[str, Path]:
        """Where predictions of the user's own models lie, by what each is called."""
        return {}

    def about(self) -> About:
        """What the arrays do not say of themselves."""
        return About()

    def source(self) -> str:
        """The file or name that errors give."""
        return f"dataset {self.name!r}"

    def files(self) -> list[Path]:
        """The files that the data are read from."""
        return []

    def fingerprint(self) -> str:
        """A hash of the files' content; empty for data that are made or shipped with a package.

        Files of predictions are not in it: only runs that use them depend on them.

        Raises:
            DataError: the data are missing.
        """
        if reason := self.missing():
            raise DataError(reason)
        files = self.files()
        return self.hash_of(files, self.roles()) if files else ""

    def roles(self) -> tuple[str, ...]:
        """What the files are for, where that is the user's choice."""
        return ()

    def predicted(self) -> dict[str, str]:
        """A hash of the content of each file of predictions, by what the model is called.

        Raises:
            DataError: one cannot be read.
        """
        return {name: self.hash_of([file]) for name, file in sorted(self.prediction_files().items())}

    @staticmethod
    def hash_of(files: Sequence[Path], names: Sequence[str] = ()) -> str:
        """A hash of files' content, and of names that matter."""
        parts = [*(_content(file) for file in files), *names]
        return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]

    def missing(self) -> str | None:
        """Why the dataset cannot be loaded now, and how to mend it; None if it can. Loads nothing."""
        return None

    def fetch(self) -> None:
        """Download what is missing into the data folder.

        Raises:
            DataError: it cannot be downloaded, or what came is not what it should be.
        """
        if reason := self.missing():
            raise DataError(f"dataset {self.name!r} has no download: {reason}")

    def load(self) -> AnnotatedDataset:
        """The checked dataset.

        Raises:
            DataError: the data are missing or not valid; the message says how to mend it.
        """
        if reason := self.missing():
            raise DataError(reason)
        found = self.contents()
        return from_arrays(
            found.arrays,
            name=self.name,
            source=self.source(),
            about=self.about(),
            answers=found.answers,
            told=found.told,
            predictions=self.prediction_files(),
        )


def _content(file: Path) -> str:
    """A file's hash."""
    try:
        return content_hash(file)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from None


DATASETS = Registry("dataset", Dataset)  # type: ignore[type-abstract]


class ArchivedDataset(Dataset):
    """A dataset in one .npz file."""

    @abstractmethod
    def file(self) -> Path:
        """The file that holds it."""

    def mend(self) -> str:
        """What to do if the file is missing."""
        return "set FEDSOFT_DATA to the folder that holds it, or choose another dataset"

    def source(self) -> str:
        """The file's path."""
        return str(self.file())

    def files(self) -> list[Path]:
        """The file."""
        return [self.file()]

    def missing(self) -> str | None:
        """Whether the file is there, and what to do if not."""
        if self.file().is_file():
            return None
        return f"{self.file()} {'is no file' if self.file().exists() else 'does not exist'}; {self.mend()}."

    def contents(self) -> Contents:
        """The file's arrays."""
        return Contents(self.arrays())

    def arrays(self) -> dict[str, np.ndarray]:
        """The file's arrays; DataError if it is damaged or holds pickled objects."""
        try:
            return read_npz(self.file())
        except StoreError as error:
            raise DataError(str(error)) from None
