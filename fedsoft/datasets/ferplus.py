"""FER+: faces on whose emotion people really disagree."""

from pathlib import Path

from fedsoft.datasets.about import About
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset
from fedsoft.datasets.folder import data_folder


@DATASETS("ferplus")
class FerPlus(ArchivedDataset):
    """21,122 faces, as frozen features, with six to ten real human votes on their emotion.

    Barsoum, Zhang, Canton Ferrer, Zhang, ICMI 2016, arXiv:1608.01041; votes MIT. Labels are the votes' own
    majority (ties at random), not an independent truth: mode shifts cannot be studied here, and
    `human_hard` is `hard` but for ties.
    """

    def file(self) -> Path:
        """``ferplus-features/ferplus.npz`` in the data folder."""
        return data_folder() / "ferplus-features" / "ferplus.npz"

    def about(self) -> About:
        """Labels that are the votes' own."""
        return About(labels_are="majority", noun="faces")
