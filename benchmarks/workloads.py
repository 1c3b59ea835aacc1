"""The work that every contestant does: the same examples, clients, batches and model sizes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.files import write_npz
from fedsoft.streams import stream


@dataclass(frozen=True)
class Workload:
    """One federated training: a dataset of random numbers (arithmetic does not care) and its clients.

    Attributes:
        name: names the row of the results.
        shape: of one input: features, or (H, W, channels) pixels.
        sizes: training examples of each client.
        model: as a study file spells it.
        batch_size: examples a step.
        rounds: rounds of one measurement.
    """

    name: str
    shape: tuple[int, ...]
    sizes: tuple[int, ...]
    model: dict[str, Any]
    batch_size: int = 32
    rounds: int = 8

    def study(self, folder: Path) -> dict[str, Any]:
        """Write the data into a folder, and give the study of one FedAvg run on it."""
        rng = stream("benchmark", name=self.name)
        total = sum(self.sizes)
        labels = np.arange(total) % 10
        groups = np.repeat(np.arange(len(self.sizes)), self.sizes)
        if len(self.shape) == 1:
            inputs = {"features": rng.normal(size=(total, *self.shape)).astype(np.float32)}
        else:
            inputs = {"images": rng.integers(0, 256, (total, *self.shape), dtype=np.uint8)}
        write_npz(folder / f"{self.name}.npz", {**inputs, "labels": labels, "groups": groups})
        return {
            "name": self.name,
            "dataset": {"name": "npz", "path": str(folder / f"{self.name}.npz")},
            "sources": ["hard"],
            "strategies": ["fedavg"],
            "model": self.model,
            "rounds": self.rounds,
            "seeds": [0],
            "training": {"lr": 0.05, "batch_size": self.batch_size},
            "scenario": {"clients": len(self.sizes), "partition": "natural"},
        }


UNEVEN = tuple(int(size) for size in np.linspace(62, 1250, 20))
"""After a fifth is held out for testing and a tenth for validation: about 45 to 900 examples a client."""

WORKLOADS = (
    Workload("digits_mlp", (8, 8, 1), (180,) * 10, {"name": "mlp", "hidden": [64]}, batch_size=16),
    Workload("digits_cnn", (8, 8, 1), (180,) * 10, {"name": "cnn", "channels": [8, 16]}, batch_size=16),
    Workload("features_mlp", (256,), UNEVEN, {"name": "mlp", "hidden": [64]}),
    Workload("mnist_cnn", (28, 28, 1), (250,) * 10, {"name": "cnn", "channels": [8, 16]}, rounds=4),
    Workload("cifar_cnn", (32, 32, 3), (250,) * 10, {"name": "cnn", "channels": [16, 32, 64]}, rounds=4),
)
