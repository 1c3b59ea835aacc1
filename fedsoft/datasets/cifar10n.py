"""CIFAR-10N: few, really noisy human votes."""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.datasets.about import About
from fedsoft.datasets.cifar10h import Cifar10H
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset
from fedsoft.datasets.folder import data_folder


@DATASETS("cifar10n")
class Cifar10N(ArchivedDataset):
    """25,000 CIFAR-10 training images, as frozen features, with three real single votes each.

    Wei et al., ICLR 2022, arXiv:2110.12088; votes CC BY-NC 4.0. About 18 % of the votes are wrong. Labels
    are CIFAR-10's own. Who voted is not known: the votes are counts, three an image.
    """

    evaluate: Literal["itself", "cifar10h"] = Field(
        "itself", description="test on held-out folds, or on CIFAR-10H's images and its 51 votes each"
    )

    def file(self) -> Path:
        """``cifar10-features/cifar10n.npz`` in the data folder."""
        return data_folder() / "cifar10-features" / "cifar10n.npz"

    def about(self) -> About:
        """CIFAR-10's labels are older than the votes."""
        return About(labels_are="independent", noun="images")

    def arrays(self) -> dict[str, np.ndarray]:
        """The file's arrays, with training-set indices as item ids."""
        arrays = super().arrays()
        if "train_index" in arrays:
            arrays["item_ids"] = arrays.pop("train_index")
        if self.evaluate == "itself":
            return arrays
        people, mine = self._people().arrays(), len(arrays["labels"])
        shared = ("features", "labels", "votes")
        joined = {name: np.concatenate([arrays[name], people[name]]) for name in shared}
        held_out = np.arange(len(joined["labels"])) >= mine
        return {**joined, "class_names": arrays["class_names"], "held_out": held_out}

    def files(self) -> list[Path]:
        """The file, and CIFAR-10H's where that is for testing."""
        return super().files() + (self._people().files() if self.evaluate == "cifar10h" else [])

    def missing(self) -> str | None:
        """Whether the files are there, and what to do if not."""
        return super().missing() or (self._people().missing() if self.evaluate == "cifar10h" else None)

    @staticmethod
    def _people() -> Cifar10H:
        return Cifar10H(inputs="features")
