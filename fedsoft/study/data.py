"""The data of runs: loaded once a process, given to workers, and as tensors on a device."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from fedsoft.datasets import AnnotatedDataset, Dataset
from fedsoft.errors import StudyFileError
from fedsoft.training import as_batch

SMALL = 50_000_000
"""Inputs of so many pixels at most are turned into floats once, instead of batch by batch."""


_given: dict[Dataset, AnnotatedDataset] = {}
_content: dict[Dataset, str] = {}
_predicted: dict[Dataset, dict[str, str]] = {}


def give_dataset(
    choice: Dataset, data: AnnotatedDataset, content: str = "", predicted: dict[str, str] | None = None
) -> None:
    """Have this process work on data that it was sent, whether or not their files are here."""
    _given[choice], _content[choice], _predicted[choice] = data, content, predicted or {}


def look_again() -> None:
    """Forget what the data's files hold: they are looked at when a study is opened, and not for each run."""
    _given.clear()
    _content.clear()
    _predicted.clear()


def content_of(choice: Dataset) -> str:
    """The hash of what a dataset consists of, as its files were when the study was opened.

    Raises:
        DataError: the data are missing.
    """
    if choice not in _content:
        _content[choice] = choice.fingerprint()
    return _content[choice]


def predicted_of(choice: Dataset) -> dict[str, str]:
    """The hash of each file of predictions of the user's own models, as when the study was opened.

    Raises:
        DataError: one cannot be read.
    """
    if choice not in _predicted:
        _predicted[choice] = choice.predicted()
    return _predicted[choice]


def load_dataset(choice: Dataset) -> AnnotatedDataset:
    """A dataset as it was given, or loaded once a process, and again where its files have changed."""
    if choice in _given:
        return _given[choice]
    return _load(choice, content_of(choice), tuple(predicted_of(choice).items()))


@lru_cache(maxsize=4)
def _load(choice: Dataset, content: str, predicted: tuple[tuple[str, str], ...]) -> AnnotatedDataset:
    return choice.load()


def input_tensor(choice: Dataset, device: str) -> Tensor:
    """The dataset's inputs on a device: features (N, D), or images (N, channels, H, W), as uint8 if large."""
    return _tensor(choice, content_of(choice), device)


@lru_cache(maxsize=4)
def _tensor(choice: Dataset, content: str, device: str) -> Tensor:
    inputs = load_dataset(choice).inputs
    if inputs.dtype == np.uint8 and inputs.ndim == 4:
        inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
    elif inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
    tensor = torch.from_numpy(inputs).to(device)
    return as_batch(tensor) if tensor.numel() <= SMALL else tensor


def pick_device(choice: str) -> str:
    """``auto``, ``cpu`` or ``cuda`` -> a torch device.

    Raises:
        StudyFileError: CUDA is asked for and there is none.
    """
    if choice == "cuda" and not torch.cuda.is_available():
        raise StudyFileError('device = "cuda", but torch sees no GPU; use "auto" or "cpu".')
    return ("cuda" if torch.cuda.is_available() else "cpu") if choice == "auto" else choice
