"""Predictions of one model, and what its last layer sees."""

import torch
from torch import Tensor

from fedsoft.training.model import Model, Parameters


@torch.no_grad()
def predict(model: Model, parameters: Parameters, inputs: Tensor, batch: int = 2048) -> Tensor:
    """Parameters without a client dimension, inputs (N, …) -> class probabilities (N, C), float32."""
    stacked = {name: value.unsqueeze(0) for name, value in parameters.items()}
    # Along examples softmax is ten times faster than along few classes.
    parts = [model.forward(stacked, part.unsqueeze(0))[0].mT.softmax(0) for part in inputs.split(batch)]
    return torch.cat(parts, dim=1).mT


@torch.no_grad()
def features_of(model: Model, parameters: Parameters, inputs: Tensor, batch: int = 2048) -> Tensor:
    """Parameters without a client dimension, inputs (N, …) -> `Model.features` (N, D), float32."""
    stacked = {name: value.unsqueeze(0) for name, value in parameters.items()}
    return torch.cat([model.features(stacked, part.unsqueeze(0))[0] for part in inputs.split(batch)])
