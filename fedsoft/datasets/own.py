"""What all ways to bring one's own data have in common: answers in a file, and what to make of gaps."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from fedsoft.datasets.about import About, Crowd, LabelOrigin, Tested, WithoutLabel, WithoutVotes
from fedsoft.datasets.answered import read_for
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.tidy import Answers
from fedsoft.datasets.dataset import Dataset


class OwnData(Dataset, AnswerOptions):
    """The user's own data."""

    locations: ClassVar[tuple[str, ...]] = ("path", "annotations")

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

    def read_answers(self, file: Path, ids: list[str] | None, known: tuple[str, ...], noun: str) -> Answers:
        """The answers in a file to items that are called so, among classes of which some are known."""
        return read_for(file, self, ids, known, noun)


def beside(path: str, folder: Path) -> Path:
    """A file that lies in the current folder, in another or beside it, whichever has it first."""
    places = [Path(path), folder / path, folder.parent / path]
    return next((place for place in places if place.exists()), places[1])
