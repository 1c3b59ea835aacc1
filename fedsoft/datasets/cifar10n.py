"""CIFAR-10N: few, really noisy human votes."""

from pathlib import Path

import numpy as np

from fedsoft.datasets.dataset import DATASETS, ArchivedDataset
from fedsoft.datasets.folder import data_folder


@DATASETS("cifar10n")
class Cifar10N(ArchivedDataset):
    """25,000 CIFAR-10 training images, as frozen features, with three real single votes each.

    Wei et al., ICLR 2022, arXiv:2110.12088; votes CC BY-NC 4.0. About 18 % of the votes are wrong. Labels
    are CIFAR-10's own. Who voted is not known: the votes are counts, three an image.
    """

    def file(self) -> Path:
        """``cifar10-features/cifar10n.npz`` in the data folder."""
        return data_folder() / "cifar10-features" / "cifar10n.npz"

    def arrays(self) -> dict[str, np.ndarray]:
        """The file's arrays, with training-set indices as item ids."""
        arrays = super().arrays()
        if "train_index" in arrays:
            arrays["item_ids"] = arrays.pop("train_index")
        return arrays
