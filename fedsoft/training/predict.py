"""Predictions of models, and what its last layer sees."""

import torch
from torch import Tensor

from fedsoft.training.model import Model, Parameters, in_parts


@torch.no_grad()
def predict(model: Model, parameters: Parameters, inputs: Tensor, batch: int = 2048) -> Tensor:
    """Parameters without a client dimension, inputs (N, …) -> class probabilities (N, C), float32."""
    stacked = {name: value.unsqueeze(0) for name, value in parameters.items()}
    # Along examples softmax is ten times faster than along few classes.
    parts = [model.forward(stacked, part.unsqueeze(0))[0].mT.softmax(0) for part in inputs.split(batch)]
    return torch.cat(parts, dim=1).mT


@torch.no_grad()
def predict_together(
    model: Model, parameters: Parameters, inputs: Tensor, rows: Tensor, numbers: int = 2**25
) -> Tensor:
    """What R models predict, each of its own examples, in few tensor programs.

    Args:
        model: the model.
        parameters: (R, …).
        inputs: (N, …).
        rows: (R, V) of the inputs.
        numbers: how many the inputs of models at a time are at most, if those of one are no more.

    Returns:
        class probabilities (R, V, C), float32.
    """
    size = max(1, numbers // max(1, rows.shape[1] * inputs[0].numel()))
    parts = []
    for own, some in zip(in_parts(parameters, size), rows.split(size), strict=True):
        x = inputs.index_select(0, some.flatten()).unflatten(0, some.shape)
        parts.append(model.forward(own, x).mT.softmax(1).mT)
    return torch.cat(parts)


@torch.no_grad()
def features_of(model: Model, parameters: Parameters, inputs: Tensor, batch: int = 2048) -> Tensor:
    """Parameters without a client dimension, inputs (N, …) -> `Model.features` (N, D), float32."""
    stacked = {name: value.unsqueeze(0) for name, value in parameters.items()}
    return torch.cat([model.features(stacked, part.unsqueeze(0))[0] for part in inputs.split(batch)])
