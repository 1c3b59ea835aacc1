"""Real crowds whose people are known across items."""

from pathlib import Path
from typing import ClassVar

from fedsoft.datasets import checks
from fedsoft.datasets.about import About
from fedsoft.datasets.answered import read_for
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset, Contents
from fedsoft.datasets.folder import data_folder


class KnownPeople(ArchivedDataset):
    """A crowd as an .npz of items and a CSV of answers beside it.

    Class attributes:
        lies: the .npz in the data folder.
        answers_file: the CSV beside it.
    """

    lies: ClassVar[str]
    answers_file: ClassVar[str] = "annotations.csv"

    def file(self) -> Path:
        """The .npz in the data folder."""
        return data_folder() / self.lies

    def files(self) -> list[Path]:
        """Items and answers."""
        return [self.file(), self.file().with_name(self.answers_file)]

    def missing(self) -> str | None:
        """Whether both files are there."""
        for file in self.files():
            if not file.is_file():
                return f"{file} does not exist; {self.mend()}."
        return None

    def contents(self) -> Contents:
        """The items, and the CSV's answers."""
        arrays = self.arrays()
        names = checks.check_class_names(arrays["class_names"], self.source())
        ids = [str(one) for one in arrays["item_ids"]]
        noun = self.about().noun or "items"
        return Contents(arrays, read_for(self.files()[1], AnswerOptions(), ids, names, noun))


@DATASETS("music_genre")
class MusicGenre(KnownPeople):
    """1,000 songs as features, 700 of them with four answers of 44 people on the genre, 56 % of them right.

    Rodrigues, Pereira, Ribeiro 2013 (Pattern Recognition Letters 34, 1428). Labels are the true genres. The
    300 songs that nobody answered are for testing only.
    """

    lies = "music-genre/music.npz"

    def about(self) -> About:
        """Genres that the collection's makers gave."""
        return About(labels_are="independent", noun="songs")


@DATASETS("md_agreement")
class MdAgreement(KnownPeople):
    """10,753 tweets as features, each called offensive or not by five of 819 people who disagree.

    MD-Agreement: Leonardelli and others, EMNLP 2021; the Learning With Disagreements edition. Labels are the
    answers' own majority.
    """

    lies = "md-agreement/md.npz"

    def about(self) -> About:
        """Labels that are the votes' own; three domains that are no people."""
        return About(labels_are="majority", groups_are="sites", noun="tweets")
