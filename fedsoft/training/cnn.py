"""A small convolutional net for images."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from fedsoft.training.model import MODELS, Model, as_batch


@MODELS("cnn")
class Cnn(Model):
    """Blocks of 3×3 convolution, group normalisation, ReLU and 2×2 pooling, then a linear layer on the mean.

    Group instead of batch normalisation (Hsieh et al. 2020, arXiv:1910.00189): nothing but parameters
    travels, and clients with different label mixes do not disturb each other's statistics.
    """

    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 32), min_length=1, description="channels of each block"
    )
    groups: int = Field(4, ge=1, description="groups of the normalisation; must divide every width")

    def shapes(self, inputs: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
        """Convolutions (out, in, 3, 3) with gain and bias of their normalisation, and the linear layer."""
        if len(inputs) != 3:
            raise ValueError("model 'cnn' needs images; these inputs are features (choose 'mlp' or 'linear')")
        if any(width % self.groups for width in self.channels):
            raise ValueError(f"cnn: groups = {self.groups} does not divide all of channels {self.channels}")
        shapes: dict[str, tuple[int, ...]] = {}
        fan_in = inputs[0]
        for block, width in enumerate(self.channels):
            shapes[f"block{block}.weight"] = (width, fan_in, 3, 3)
            shapes[f"block{block}.gain"] = (width,)
            shapes[f"block{block}.bias"] = (width,)
            fan_in = width
        return shapes | {"head.weight": (classes, fan_in), "head.bias": (classes,)}

    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, channels, H, W) -> logits (K, B, C), one model after the other.

        Convolutions of K models as one grouped convolution are slower than this on a CPU.
        """
        logits = [
            self._one({name: value[k] for name, value in parameters.items()}, x[k]) for k in range(len(x))
        ]
        return torch.stack(logits)

    def _one(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        h = as_batch(x)
        for block in range(len(self.channels)):
            h = functional.conv2d(h, parameters[f"block{block}.weight"], padding=1)
            gain, bias = parameters[f"block{block}.gain"], parameters[f"block{block}.bias"]
            h = functional.group_norm(h, self.groups, gain, bias).relu()
            if min(h.shape[-2:]) > 1:
                h = functional.max_pool2d(h, 2)
        return functional.linear(h.mean((-2, -1)), parameters["head.weight"], parameters["head.bias"])
