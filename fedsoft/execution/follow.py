"""Following a run's training examples from round to round, as far as the server sees them."""

from collections.abc import Mapping

import numpy as np
import torch

from fedsoft.evaluation import Cartography
from fedsoft.federation.results import RoundResult
from fedsoft.study.prepare import Prepared
from fedsoft.training import predict

SUMS = ("mean", "squares", "hits")


def follow(prepared: Prepared, seen: Cartography, result: RoundResult) -> Cartography:
    """What is seen after one more round: the global model on all training examples, at the dataset's labels.

    These stay true where the labels that clients have are wrong.
    """
    task, rows = prepared.task, torch.from_numpy(prepared.task.train.rows)
    parameters = result.parameters(task.inputs.device)
    probs = predict(task.model, parameters, task.inputs[rows])
    labels = torch.from_numpy(prepared.dataset.labels)[rows]
    return seen.after(probs, labels.to(probs.device))


def to_sums(seen: Cartography | None) -> dict[str, np.ndarray]:
    """The sums (M,) by name, for a checkpoint; none where examples are not followed."""
    return {name: getattr(seen, name).cpu().numpy() for name in SUMS} if seen else {}


def from_sums(rounds: int, sums: Mapping[str, np.ndarray], device: torch.device) -> Cartography:
    """What had been seen when a checkpoint was left."""
    return Cartography(rounds, *(torch.from_numpy(sums[name]).to(device) for name in SUMS))


def training_map(prepared: Prepared, seen: Cartography | None) -> dict[str, np.ndarray]:
    """The map as it is stored: dataset rows (M,) and each quantity (M,); none where there is no map."""
    if seen is None:
        return {}
    quantities = {name: getattr(seen, name) for name in ("confidence", "variability", "correctness")}
    return {
        "train_rows": prepared.task.train.rows.astype(np.int32),
        **{f"cartography_{name}": q.float().cpu().numpy() for name, q in quantities.items()},
    }
