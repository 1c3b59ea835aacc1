"""A tiny finished study, with its digest, and studies that lack one thing or another."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedsoft.analysis.digest import Digest, digest
from fedsoft.execution.conduct import run_study
from fedsoft.study.opened import open_study, reopen_study

TINY: dict[str, Any] = {
    "name": "tiny",
    "description": "Is a tiny study enough?",
    "dataset": "digits",
    "sources": ["hard", "human_soft", {"name": "votes_k", "k": 3}],
    "strategies": ["fedavg", "fedadam"],
    "model": {"name": "mlp", "hidden": [4]},
    "scenario": {"clients": 3},
    "rounds": 6,
    "training": {"lr": 0.5},
    "seeds": [0, 1],
    "endpoint": {"source": "human_soft", "baseline": "hard", "stratum": "hardest_fifth"},
}


def _run(folder: Path, **changes: Any) -> Path:
    table = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
    assert run_study(open_study(table, "tiny.toml", folder), "inprocess", 1, lambda *_: None, lambda: False)
    return folder


@pytest.fixture(scope="session")
def run_tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Runs the tiny study with changes, and returns its folder."""
    return lambda **changes: _run(tmp_path_factory.mktemp("study"), **changes)


@pytest.fixture(scope="session")
def folder(run_tiny: Callable[..., Path]) -> Path:
    """The folder of the tiny study."""
    return run_tiny()


@pytest.fixture(scope="session")
def result(folder: Path) -> Digest:
    """Its digest."""
    return digest(reopen_study(folder))
