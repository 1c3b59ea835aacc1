"""The embedded default: handwritten digits with a simulated crowd."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.datasets.about import About
from fedsoft.datasets.dataset import DATASETS, Contents, Dataset
from fedsoft.datasets.simulated_crowd import simulate_crowd
from fedsoft.errors import DataError


@DATASETS("digits")
class Digits(Dataset):
    """1,797 real handwritten digits of 8×8 pixels with a simulated crowd; no download.

    The digits are scikit-learn's copy of the test set of Alpaydin and Kaynak, UCI, 1998. The votes are
    those of `fedsoft.datasets.simulated_crowd`, no human's: its annotators disagree where digits look alike.
    """

    inputs: Literal["features", "images"] = Field(
        "features", description="64 pixels in [0, 1] as features, or images of 8×8 pixels"
    )
    annotators: int = Field(
        18, ge=1, le=1000, description="simulated annotators; each votes once on each image"
    )
    seed: int = Field(0, ge=0, description="names the simulated crowd; another seed gives other people")

    def about(self) -> About:
        """A simulated crowd, and the digits that writers meant."""
        return About(crowd="simulated", labels_are="independent", noun="images")

    def contents(self) -> Contents:
        """Scikit-learn's digits and the simulated answers."""
        pixels, written = _scikit_learns()
        brightness = (pixels / 16).astype(np.float32)
        if self.inputs == "features":
            inputs = brightness.reshape(len(brightness), -1)
        else:
            inputs = np.round(255 * brightness).astype(np.uint8)
        arrays = {
            self.inputs: inputs,
            "labels": written,
            "class_names": np.array([str(digit) for digit in range(10)]),
            "annotator_labels": simulate_crowd(brightness, written, self.annotators, self.seed),
            "annotator_ids": np.arange(self.annotators),
        }
        return Contents(arrays)


def _scikit_learns() -> tuple[np.ndarray, np.ndarray]:
    """(N, 8, 8) pixels 0 to 16 and (N,) what was written, of the file that scikit-learn ships.

    Read by itself, since importing scikit-learn takes half a second.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError(
            "'digits' lie in scikit-learn, which is not installed; run: pip install scikit-learn."
        )
    rows = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1].astype(int)
