from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedsoft.study.run import Hooks
from fedsoft.study.runner import InProcess
from fedsoft.study.study import OpenStudy, open_study

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
