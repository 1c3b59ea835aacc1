"""The same FedAvg on apple/pfl-research, as its tutorials write it, in an environment of its own.

pfl pins other packages than fedsoft does, so it is installed for the contest into a throw-away environment,
which finds in ours what it lacks, PyTorch above all: both peers run the same build. Nothing of fedsoft is
imported here.
"""

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.networks import as_float, network


def install(folder: Path) -> str:
    """Make an environment with pfl; returns its Python.

    Raises:
        RuntimeError: it cannot be installed; the message has pip's reason.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    Path(paths["purelib"], "ours.pth").write_text(sysconfig.get_paths()["purelib"])
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pfl"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip install pfl failed: {done.stderr.strip()[-500:]}")
    return str(python)


def run(file: str, rounds: int) -> dict[str, Any]:
    """Seconds of each round after the first, with evaluation on validation examples, and pfl's version.

    Args:
        file: an .npz with inputs, targets (N, C), rows and offsets of clients, validation rows, and settings.
        rounds: rounds to run.
    """
    from importlib.metadata import version

    from pfl.aggregate.simulate import SimulatedBackend
    from pfl.aggregate.weighting import WeightByDatapoints
    from pfl.algorithm.base import NNAlgorithmParams
    from pfl.algorithm.federated_averaging import FederatedAveraging
    from pfl.callback.base import TrainingProcessCallback
    from pfl.callback.central_evaluation import CentralEvaluationCallback
    from pfl.data.federated_dataset import FederatedDataset
    from pfl.data.pytorch import PyTorchTensorDataset
    from pfl.data.sampling import get_user_sampler
    from pfl.hyperparam.base import NNEvalHyperParams, NNTrainHyperParams
    from pfl.metrics import Metrics, Weighted
    from pfl.model.pytorch import PyTorchModel

    torch.set_num_threads(1)
    with np.load(file) as archive:
        data = dict(archive)
    settings = json.loads(str(data["settings"]))
    inputs, targets = as_float(torch.from_numpy(data["inputs"])), torch.from_numpy(data["targets"])
    clients = np.split(data["rows"], data["offsets"][1:-1])
    rng = np.random.Generator(np.random.PCG64(0))

    def dataset(rows: np.ndarray) -> Any:
        chosen = torch.from_numpy(rows)
        return PyTorchTensorDataset((inputs[chosen], targets[chosen]))

    def client(number: int) -> Any:
        return dataset(rng.permutation(clients[number]))  # pfl takes batches in the order of the data

    module: Any = network(settings["model"], tuple(inputs.shape[1:]), targets.shape[1])
    module.loss = lambda x, y: nn.functional.cross_entropy(module(x), y)
    module.metrics = _metrics(module, Weighted)
    marks: list[float] = []

    class Clock(TrainingProcessCallback):
        def after_central_iteration(
            self, aggregate_metrics: Any, model: Any, *, central_iteration: int
        ) -> tuple[bool, Any]:
            marks.append(time.perf_counter())
            return False, Metrics()

    size = settings["batch_size"]
    FederatedAveraging().run(
        NNAlgorithmParams(
            central_num_iterations=rounds,
            evaluation_frequency=rounds,
            train_cohort_size=len(clients),
            val_cohort_size=0,
        ),
        SimulatedBackend(
            training_data=FederatedDataset(
                client, get_user_sampler("minimize_reuse", list(range(len(clients))))
            ),
            val_data=FederatedDataset(client, get_user_sampler("minimize_reuse", [0])),
            postprocessors=[WeightByDatapoints()],
        ),
        PyTorchModel(module, torch.optim.SGD, torch.optim.SGD(module.parameters(), 1.0)),
        NNTrainHyperParams(
            local_num_epochs=settings["epochs"], local_learning_rate=settings["lr"], local_batch_size=size
        ),
        NNEvalHyperParams(local_batch_size=None),
        callbacks=[CentralEvaluationCallback(dataset(data["validation"])), Clock()],
        send_metrics_to_platform=False,
    )
    return {"seconds": [after - before for before, after in pairwise(marks)], "version": version("pfl")}


def _metrics(module: nn.Module, weighted: Callable[[float, int], Any]) -> Callable[..., dict[str, Any]]:
    def metrics(x: Tensor, y: Tensor) -> dict[str, Any]:
        with torch.no_grad():
            loss = nn.functional.cross_entropy(module(x), y, reduction="sum").item()
        return {"loss": weighted(loss, len(x))}

    return metrics
