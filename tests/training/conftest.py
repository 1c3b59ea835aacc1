"""Every model once more, built of torch's own layers: an independent implementation."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from fedsoft.training import Model


def linear(model, inputs, classes):
    return [nn.Flatten(), nn.Linear(inputs.numel(), classes)]


def mlp(model, inputs, classes):
    widths = (inputs.numel(), *model.hidden)
    hidden = [part for pair in pairwise(widths) for part in (nn.Linear(*pair), nn.ReLU())]
    return [nn.Flatten(), *hidden, nn.Linear(widths[-1], classes)]


def cnn(model, inputs, classes):
    layers, size = [], min(inputs[1:])
    for fan_in, width in pairwise((inputs[0], *model.channels)):
        layers += [
            nn.Conv2d(fan_in, width, 3, padding=1, bias=False),
            nn.GroupNorm(model.groups, width),
            nn.ReLU(),
        ]
        if size > 1:
            layers.append(nn.MaxPool2d(2))
            size //= 2
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(model.channels[-1], classes)]


class Block(nn.Module):
    """A basic block, whose shortcut has no parameters."""

    def __init__(self, fan_in, width, groups):
        super().__init__()
        self.stride, self.more = width // fan_in, width - fan_in
        self.body = nn.Sequential(
            nn.Conv2d(fan_in, width, 3, self.stride, padding=1, bias=False),
            nn.GroupNorm(groups, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(groups, width),
        )

    def forward(self, x):
        every = x[:, :, :: self.stride, :: self.stride]
        new = every.new_zeros(len(x), self.more, *every.shape[2:])
        return nn.functional.relu(self.body(x) + torch.cat([every, new], dim=1))


def resnet(model, inputs, classes):
    layers = [
        nn.Conv2d(inputs[0], model.width, 3, padding=1, bias=False),
        nn.GroupNorm(model.groups, model.width),
        nn.ReLU(),
    ]
    width = model.width
    for stage, blocks in enumerate(model.blocks):
        for _ in range(blocks):
            before, width = width, model.width * 2**stage
            layers.append(Block(before, width, model.groups))
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]


LAYERS = {"linear": linear, "mlp": mlp, "cnn": cnn, "resnet": resnet}


@pytest.fixture
def reference() -> Callable[..., nn.Module]:
    """Builds the torch module of a model, with given parameters (of one client)."""

    def build(model: Model, parameters: dict[str, torch.Tensor], inputs: tuple[int, ...]) -> nn.Module:
        classes = list(parameters.values())[-1].shape[-1]
        module = nn.Sequential(*LAYERS[type(model).name](model, torch.Size(inputs), classes))
        module.to(next(iter(parameters.values())).dtype)
        with torch.no_grad():
            for theirs, ours in zip(module.parameters(), parameters.values(), strict=True):
                theirs.copy_(ours)
        return module

    return build


@pytest.fixture
def gradients_of() -> Callable[..., tuple[dict[str, torch.Tensor], torch.Tensor]]:
    """What a model accumulates from nothing: its gradients, and the losses."""

    def gradients(
        model: Model, parameters: dict[str, torch.Tensor], *batch: Any
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        into = {name: torch.zeros_like(value) for name, value in parameters.items()}
        loss = model.accumulate(parameters, *batch, into, 1.0, 1.0)
        return into, loss

    return gradients


@pytest.fixture
def read_back() -> Callable[..., dict[str, torch.Tensor]]:
    """Reads a module's parameters, or their gradients, under the names of ours."""

    def read(names: list[str], module: nn.Module, gradient: bool = False) -> dict[str, torch.Tensor]:
        values = [(p.grad if gradient else p).detach() for p in module.parameters()]
        return dict(zip(names, values, strict=True))

    return read
