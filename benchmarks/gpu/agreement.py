"""How near a card's models are to a processor's: predictions of the same short studies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu.setup import Setup
from fedsoft.execution.conduct import run_study
from fedsoft.study.opened import open_study

STUDY: dict[str, Any] = {
    "name": "agreement",
    "dataset": {"name": "digits", "inputs": "images"},
    "sources": ["hard", "human_soft"],
    "strategies": ["fedavg", "fedadam", "fedmedian"],
    "rounds": 20,
    "seeds": [0, 1],
    "scenario": {"clients": 5, "partition": {"name": "dirichlet", "alpha": 0.5}},
    "training": {"lr": 0.05, "batch_size": 8},
}
NETS: dict[str, dict[str, Any]] = {
    "head": {"name": "mlp", "hidden": [64]},
    "cnn": {"name": "cnn", "channels": [8, 16]},
    "resnet": {"name": "resnet", "blocks": [1, 1], "width": 8},
}


def rows(setup: Setup) -> Iterator[dict[str, Any]]:
    """Differences between test predictions of a processor and of the device, exact and in TF32."""
    nets = ("head", "cnn") if setup.smoke else tuple(NETS)
    for net in nets:
        table = {**STUDY, "model": NETS[net]}
        if setup.smoke:
            table |= {"rounds": 2, "seeds": [0], "strategies": ["fedavg"], "scenario": {"clients": 2}}
        there = predictions({**table, "device": "cpu"}, setup.folder / f"{net}-cpu")
        for precision in ("float32", "tf32") if setup.is_card else ("float32",):
            asked = {**table, "device": setup.device, "precision": precision}
            here = predictions(asked, setup.folder / f"{net}-{precision}")
            yield {"net": net, "precision": precision, **difference(here, there)}


def predictions(table: dict[str, Any], folder: Path) -> np.ndarray:
    """(N, C) test predictions of all runs, one after another."""
    opened = open_study(table, "benchmark", folder)
    run_study(opened, "inprocess", 1, lambda run, figures: None, lambda: False)
    return np.concatenate([opened.store.predictions(run.key)["test"] for run in opened.plan.runs])


def difference(here: np.ndarray, there: np.ndarray) -> dict[str, float]:
    """Largest and median absolute difference, and the share of examples that are given one class by both."""
    apart = np.abs(here - there)
    return {
        "largest": float(apart.max()),
        "median": float(np.median(apart)),
        "same_class": float(np.mean(here.argmax(-1) == there.argmax(-1))),
    }
