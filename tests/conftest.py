"""Fixtures that every folder of tests may use."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fedsoft.datasets.annotated import AnnotatedDataset
from fedsoft.execution.processes import InProcess
from fedsoft.execution.run import Hooks
from fedsoft.study.opened import OpenStudy, open_study

torch.set_num_threads(1)  # small tensors: threads only cost time


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = os.environ.get("FEDSOFT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set FEDSOFT_DATA to the folder that holds it")
    return Path(folder)


@pytest.fixture(scope="session")
def device() -> str:
    """A card, or what FEDSOFT_TEST_DEVICE names; the test is skipped where there is none."""
    named = os.environ.get("FEDSOFT_TEST_DEVICE", "cuda")
    if named.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("needs a card; FEDSOFT_TEST_DEVICE=cpu tries it on the processor")
    return named


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


TINY = {
    "name": "tiny",
    "dataset": "digits",
    "sources": ["hard", "human_soft", {"name": "votes_k", "k": 2}, "teacher"],
    "strategies": ["fedavg", "fedadam"],
    "model": {"name": "mlp", "hidden": [16]},
    "rounds": 3,
    "seeds": [0, 6],
    "scenario": {
        "clients": 4,
        "partition": {"name": "dirichlet", "alpha": 0.5},
        "participation": 0.5,
        "parties": [{"share": 0.25, "votes": 5, "noise": {"name": "slips", "rate": 0.2}}],
    },
}


def run_all(study: OpenStudy, stack: Any = "all", workers: int = 1, hooks: Hooks | None = None) -> OpenStudy:
    InProcess(study.store, study.device, stack, workers).run(study.plan.open(study.store), hooks or Hooks())
    return study


@pytest.fixture
def tiny() -> dict[str, Any]:
    """A study of 16 runs and 4 teachers, a second or two long; half of the clients train in a round."""
    return dict(TINY)


@pytest.fixture(scope="session")
def run() -> Callable[..., OpenStudy]:
    """Runs what is open of a study with the in-process engine."""
    return run_all


@pytest.fixture(scope="session")
def models() -> Callable[[Path], dict[str, bytes]]:
    """Reads the final models of a study, as bytes by run."""

    def read(folder: Path) -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in sorted(folder.glob("runs/*/model.npz"))}

    return read


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> OpenStudy:
    """The tiny study, run one client at a time."""
    return run_all(open_study(dict(TINY), "tiny.toml", tmp_path_factory.mktemp("tiny")), stack=1)
