"""Many clients cost their indices: no object, no stream and no step of a round for each of them."""

import sys
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from fedsoft.execution.lockstep import execute
from fedsoft.execution.run import Hooks, Host
from fedsoft.federation.grids import InProcessGrid
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

FEW, MANY = 10_000, 100_000
EXAMPLES = 2


@dataclass(frozen=True)
class Cost:
    """Bytes at the peak, memory blocks that stay while a run is ready to train, and calls of its rounds."""

    bytes: int
    blocks: int
    calls: int


@pytest.fixture
def cost(tmp_path):
    """What three rounds of ten clients cost, by number of clients and source."""
    labels = np.arange(300) % 2
    votes = 3 * np.eye(2, dtype=int)[labels] + 1
    features = np.eye(2, dtype=np.float32)[labels]
    np.savez(tmp_path / "d.npz", features=features, labels=labels, votes=votes)
    table = {
        "name": "many",
        "dataset": {"name": "npz", "path": str(tmp_path / "d.npz")},
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 3,
        "seeds": [0],
    }

    def measure(clients: int, source: str) -> Cost:
        partition = {"name": "overlapping", "examples": EXAMPLES, "alpha": 0.5}
        scenario = {"clients": clients, "participation": 10 / clients, "partition": partition}
        folder = tmp_path / f"{source}-{clients}"
        study = open_study(table | {"sources": [source], "scenario": scenario}, "many.toml", folder)
        run, calls = study.plan.runs[0], 0
        before = sys.getallocatedblocks()
        ready = prepare(run, study.store, "cpu")
        blocks = sys.getallocatedblocks() - before
        assert len(ready.task.train) == clients

        def count(frame, event, argument):
            nonlocal calls
            calls += 1

        def make_grid(task):
            sys.setprofile(count)
            return InProcessGrid(task)

        tracemalloc.start()
        try:
            execute(run, Host(study.store, make_grid, "inprocess", "cpu", Hooks()))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            sys.setprofile(None)
            tracemalloc.stop()
        assert len(study.store.rounds(run.key)) == 4
        return Cost(peak, blocks, calls)

    return measure


@pytest.mark.parametrize("source", ["hard", "human_soft", "multipass"])
def test_memory_grows_with_the_indices_alone(source, cost):
    few, many = cost(FEW, source), cost(MANY, source)
    entries = (MANY - FEW) * EXAMPLES
    assert (many.bytes - few.bytes) / entries < 200
    assert many.blocks - few.blocks < 1_000
    assert many.calls < 1.5 * few.calls
