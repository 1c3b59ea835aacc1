"""What all ways to bring one's own data have in common: answers, predictions, and what to make of gaps."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from fedsoft.datasets.about import About, Crowd, LabelOrigin, Tested, WithoutLabel, WithoutVotes
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.dataset import Dataset, absolute
from fedsoft.datasets.predictions import NAME


def _by_name(given: Any) -> Any:
    """One file is called by its stem."""
    return {Path(given).stem: given} if isinstance(given, str) else given


def _checked(files: dict[str, str]) -> dict[str, str]:
    """Each file's path made absolute if it is there: elsewhere it is looked for beside the data."""
    for name in files:
        if not NAME.fullmatch(name):
            raise ValueError(
                f'{name!r} is no name for a model; give it one of letters and digits, as in {{ mine = "…" }}'
            )
    return {name: whole if Path(whole := absolute(path)).exists() else path for name, path in files.items()}


PredictionFiles = Annotated[dict[str, str], BeforeValidator(_by_name), AfterValidator(_checked)]


class OwnData(Dataset, AnswerOptions):
    """The user's own data."""

    locations: ClassVar[tuple[str, ...]] = ("path", "annotations", "labels", "predictions")

    crowd: Crowd = Field("real", description="whose answers these are")
    labels_are: LabelOrigin | None = Field(
        None,
        description="majority of the votes, or independent of them; without it, majority if all could be",
    )
    without_votes: WithoutVotes = Field(
        "label", description="items that nobody answered train on their label, or are left out (`leave_out`)"
    )
    without_label: WithoutLabel = Field(
        "majority",
        description="items that have answers alone train with their majority for a label, or are left out",
    )
    tested: Tested | None = Field(
        None,
        description="test only items that were `voted` on, or all `labelled` ones; without it, what "
        "`held_out` says, else voted",
    )
    predictions: PredictionFiles | None = Field(
        None,
        description='files of what models of your own predict, by name, as { clip = "clip.npy" }: (items, '
        "classes) probabilities, .npy, .npz or CSV, in the current folder or beside the data",
    )

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # a mapping of columns has no hash

    def about(self) -> About:
        """As the options say."""
        return About(
            crowd=self.crowd,
            labels_are=self.labels_are,
            without_votes=self.without_votes,
            without_label=self.without_label,
            tested=self.tested,
        )

    def prediction_files(self) -> dict[str, Path]:
        """Each file, in the current folder or beside the data."""
        place = Path(self.source())
        folder = place if place.is_dir() else place.parent
        return {name: beside(path, folder) for name, path in (self.predictions or {}).items()}

    def missing_predictions(self) -> str | None:
        """Which file of predictions is not there, and what to do."""
        for name, file in self.prediction_files().items():
            if not file.exists():
                return (
                    f"{file} does not exist; correct `predictions` ({name!r}), which starts at the current "
                    "folder or beside the data."
                )
        return None


def _possible(path: str) -> str:
    """A path as it is given, if there can be such a one."""
    absolute(path)
    return path


NearPath = Annotated[str, AfterValidator(_possible)]
"""A path of the user's that is looked for in several places: see `beside`."""


def beside(path: str, folder: Path) -> Path:
    """A file that lies in the current folder, in another or beside it, whichever has it first."""
    places = [Path(path), folder / path, folder.parent / path]
    return next((place for place in places if place.exists()), places[1])
