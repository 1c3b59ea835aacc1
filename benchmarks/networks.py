"""The workloads' models as anyone would write them in torch.nn, without fedsoft: peers use them too."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def network(options: Mapping[str, Any], shape: tuple[int, ...], classes: int) -> nn.Module:
    """A model as a study file spells it, for inputs of a shape (features, or channels × H × W)."""
    layers: list[nn.Module] = []
    if options["name"] == "cnn":
        width, side = shape[0], min(shape[1:])
        for channels in options["channels"]:
            layers += [nn.Conv2d(width, channels, 3, padding=1, bias=False)]
            layers += [nn.GroupNorm(options["groups"], channels), nn.ReLU()]
            if side > 1:
                layers, side = [*layers, nn.MaxPool2d(2)], side // 2
            width = channels
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
    width = math.prod(shape)
    for hidden in options["hidden"]:
        layers, width = [*layers, nn.Linear(width, hidden), nn.ReLU()], hidden
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, classes))


def as_float(inputs: Tensor) -> Tensor:
    """Pixels (uint8) in [-1, 1]; features as they are."""
    return inputs.float() / 127.5 - 1 if inputs.dtype == torch.uint8 else inputs
