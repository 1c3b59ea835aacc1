"""Linear heads and multi-layer perceptrons, with their gradients written out."""

import itertools
import math
from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.training.losses import Objective
from fedsoft.training.model import MODELS, Model, as_batch, clip_factor


class Perceptron(Model):
    """Fully connected layers with ReLU between; images are flattened."""

    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return ()

    def shapes(self, inputs: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
        """Weights (out, in) and biases (out,), layer by layer."""
        sizes = (math.prod(inputs), *self.widths(), classes)
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
            shapes[f"layer{layer}.weight"] = (fan_out, fan_in)
            shapes[f"layer{layer}.bias"] = (fan_out,)
        return shapes

    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, …) -> logits (K, B, C), in memory class by class."""
        return self._activations(parameters, x)[-1]

    def features(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The activations of the last hidden layer (K, B, D); the inputs where there is none."""
        return self._activations(parameters, x)[-2]

    def _activations(self, parameters: Mapping[str, Tensor], x: Tensor) -> list[Tensor]:
        """The input of every layer, then the logits."""
        activations, last = [as_batch(x).flatten(2)], len(parameters) // 2 - 1
        for layer in range(last + 1):
            weight, bias = parameters[f"layer{layer}.weight"], parameters[f"layer{layer}.bias"]
            if layer < last:
                h = torch.baddbmm(bias.unsqueeze(1), activations[-1], weight.mT).relu_()
            else:
                h = torch.baddbmm(bias.unsqueeze(2), weight, activations[-1].mT).mT
            activations.append(h)
        return activations

    def accumulate(
        self,
        parameters: Mapping[str, Tensor],
        x: Tensor,
        targets: Tensor,
        weights: Tensor,
        loss: Objective,
        into: Mapping[str, Tensor],
        keep: float,
        scale: float,
    ) -> Tensor:
        """As in the base class, by backpropagation written out, each gradient and its use in one product."""
        *inputs, logits = self._activations(parameters, x)
        delta, value = loss.gradient(logits, targets, weights)
        for layer in reversed(range(len(inputs))):
            here, h = delta, inputs[layer]
            if layer:  # before this layer's weights change
                below = torch.bmm(delta, parameters[f"layer{layer}.weight"])
                delta = torch.ops.aten.threshold_backward(below, h, 0)
            into[f"layer{layer}.weight"].baddbmm_(here.mT, h, beta=keep, alpha=scale)
            bias = into[f"layer{layer}.bias"]
            (bias if keep == 1 else bias.mul_(keep)).add_(here.sum(1), alpha=scale)
        return value

    def accumulate_clipped(
        self,
        parameters: Mapping[str, Tensor],
        x: Tensor,
        targets: Tensor,
        weights: Tensor,
        loss: Objective,
        into: Mapping[str, Tensor],
        keep: float,
        scale: float,
        clip: float,
    ) -> Tensor:
        """As in the base class, without a gradient of any example: of layers, norms are products.

        An example's gradient at a layer is δ hᵀ and δ, so ‖g‖² = Σ ‖δ‖² (‖h‖² + 1) over layers: Goodfellow
        2015, arXiv:1510.01799.
        """
        *inputs, logits = self._activations(parameters, x)
        delta, value = loss.gradient(logits, targets, weights)  # weighed already, as bounds are
        deltas, squares = [delta], torch.zeros_like(weights)
        for layer in reversed(range(len(inputs))):
            h = inputs[layer]
            squares += _squares(delta) * (_squares(h) + 1)
            if layer:
                below = torch.bmm(delta, parameters[f"layer{layer}.weight"])
                delta = torch.ops.aten.threshold_backward(below, h, 0)
                deltas.append(delta)
        factor = clip_factor(squares, clip * weights).unsqueeze(-1)
        for layer, (delta, h) in enumerate(zip(reversed(deltas), inputs, strict=True)):
            clipped = delta * factor
            into[f"layer{layer}.weight"].baddbmm_(clipped.mT, h, beta=keep, alpha=scale)
            bias = into[f"layer{layer}.bias"]
            (bias if keep == 1 else bias.mul_(keep)).add_(clipped.sum(1), alpha=scale)
        return value


def _squares(rows: Tensor) -> Tensor:
    """Squared norms (…,) of rows (…, D), by what is faster for how they lie in memory."""
    if rows.stride(-1) == 1:
        return torch.linalg.vector_norm(rows, dim=-1).square_()
    return rows.square().sum(-1)


@MODELS("linear")
class Linear(Perceptron):
    """Multinomial logistic regression on the inputs."""


@MODELS("mlp")
class Mlp(Perceptron):
    """A multi-layer perceptron with ReLU: a small head on features, or a small net on small images."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((64,), description="widths of the hidden layers")

    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.hidden
