"""Fixtures that every folder of tests may use."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fedsoft.datasets.annotated import AnnotatedDataset

torch.set_num_threads(1)  # small tensors: threads only cost time


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = os.environ.get("FEDSOFT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set FEDSOFT_DATA to the folder that holds it")
    return Path(folder)


@pytest.fixture
def crowd() -> Callable[..., AnnotatedDataset]:
    """Builds a dataset from a small table of votes; labels default to the most frequent vote."""

    def build(votes: list[list[int]], labels: list[int] | None = None) -> AnnotatedDataset:
        counts = np.asarray(votes, dtype=np.int64)
        return AnnotatedDataset(
            name="small table",
            inputs=np.arange(2 * len(counts), dtype=np.float32).reshape(-1, 2),
            labels=counts.argmax(axis=1) if labels is None else np.asarray(labels),
            class_names=tuple("abcdefghijklmnopqrstuvwxyz"[: counts.shape[1]]),
            votes=counts,
            crowd="real",
        )

    return build
