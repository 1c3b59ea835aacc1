"""CIFAR-10H: many human votes on each CIFAR-10 test image."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.datasets.about import About
from fedsoft.datasets.arrays import from_arrays
from fedsoft.datasets.dataset import DATASETS, ArchivedDataset
from fedsoft.datasets.download import download
from fedsoft.datasets.folder import data_folder
from fedsoft.errors import DataError
from fedsoft.files import write_npz
from fedsoft.installation import check_import

COMMIT = "48da312b193b82e6939ec20f23d1f09cbdd849c8"
VOTES_URL = f"https://raw.githubusercontent.com/jcpeterson/cifar-10h/{COMMIT}/data/cifar10h-counts.npy"
VOTES_SHA256 = "9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff"


@DATASETS("cifar10h")
class Cifar10H(ArchivedDataset):
    """CIFAR-10's 10,000 test images with about 51 real human votes each.

    Peterson, Battleday, Griffiths, Russakovsky, ICCV 2019, arXiv:1908.07086; votes CC BY-NC-SA 4.0.
    Labels are CIFAR-10's own: the most frequent vote differs from them on 0.8 % of the images.
    """

    inputs: Literal["features", "images"] = Field(
        "features", description="frozen features of a small net, or the 32×32 colour images"
    )

    def file(self) -> Path:
        """``cifar10-features/cifar10h.npz`` or ``cifar10h/cifar10h.npz`` in the data folder."""
        folder = "cifar10-features" if self.inputs == "features" else "cifar10h"
        return data_folder() / folder / "cifar10h.npz"

    def about(self) -> About:
        """CIFAR-10's labels are older than the votes."""
        return About(labels_are="independent", noun="images")

    def mend(self) -> str:
        """What to do if the file is missing: images can be downloaded."""
        if self.inputs == "features":
            return f'{super().mend()}; inputs = "images" can be downloaded'
        return f"run `fedsoft data fetch cifar10h --set inputs=images`, or {super().mend()}"

    def fetch(self) -> None:
        """Download CIFAR-10's test images (through torchvision) and the authors' votes; 170 MB.

        Raises:
            DataError: a download failed, or its content is not the expected one.
            FedsoftError: torch and torchvision do not work together.
        """
        if self.inputs == "features":
            return super().fetch()
        if not self.missing():
            return None
        votes = np.load(io.BytesIO(download(VOTES_URL, VOTES_SHA256)), allow_pickle=False)
        arrays = {**_test_images(data_folder() / "cifar10"), "votes": votes}
        from_arrays(arrays, name=self.name, source="the download of cifar10h", about=self.about())
        return write_npz(self.file(), arrays)


def _test_images(folder: Path) -> dict[str, np.ndarray]:
    """CIFAR-10's test images in their published order, downloaded into a folder."""
    check_import()
    from torchvision.datasets import CIFAR10

    try:
        data = CIFAR10(str(folder), train=False, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"CIFAR-10 cannot be downloaded ({error}); check the network and try again."
        ) from None
    return {
        "images": np.asarray(data.data),
        "labels": np.asarray(data.targets),
        "class_names": np.asarray(data.classes),
    }
