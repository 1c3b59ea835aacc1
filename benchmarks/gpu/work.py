"""The studies that are run on a card."""

from typing import Any

from benchmarks.apart import ROOT
from fedsoft.config import read_study

Table = dict[str, Any]


def heads() -> Table:
    """Heads of 64 units on frozen features: 960 runs over 20 clients and pooled, 60 rounds."""
    return dict(read_study(ROOT / "configs/audit_cifar10h.toml"))


def strategies() -> Table:
    """Eleven server strategies on the same features: 44 runs of 20 rounds."""
    return {**read_study(ROOT / "configs/strategies_cifar10h.toml"), "seeds": [0, 1], "rounds": 20}


def audit_images() -> Table:
    """The study of images as it stands: 12 pooled runs of 20 rounds."""
    return dict(read_study(ROOT / "configs/audit_images.toml"))


def images() -> Table:
    """The same over 20 clients: 40 runs of 100 rounds."""
    return {
        **audit_images(),
        "name": "images",
        "seeds": list(range(10)),
        "rounds": 100,
        "scenario": {"clients": 20, "partition": {"name": "dirichlet", "alpha": 0.5}},
    }


def tiny(table: Table) -> Table:
    """A study of the same kind, a second long, on data that come with fedsoft."""
    small = {key: value for key, value in table.items() if key not in ("endpoint", "tune", "grid", "rivals")}
    model = {"mlp": {"hidden": [4]}, "cnn": {"channels": [4]}}[table["model"]["name"]]
    return {
        **small,
        "dataset": {"name": "digits", "inputs": table["dataset"]["inputs"]},
        "model": {"name": table["model"]["name"], **model},
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "rounds": 2,
        "seeds": [0, 1],
        "scenario": {"clients": 2},
    }
