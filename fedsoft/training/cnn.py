"""A small convolutional net for images."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from fedsoft.training.model import MODELS, Model, Parameters, as_batch

CACHED = 2**18
"""Numbers in the activations of one layer, up to which stacking models on a CPU pays: 1 MiB of float32."""


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
        """Parameters (K, …), inputs (K, B, channels, H, W) -> logits (K, B, C).

        Several models are one grouped convolution: all of them on a GPU; on a CPU as many as its cache
        holds, since more are slower than one after the other.
        """
        return torch.cat([self._logits(stack, part) for stack, part in self._stacks(parameters, x)])

    def features(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The mean of the last block's channels (K, B, D)."""
        return torch.cat([self._means(stack, part) for stack, part in self._stacks(parameters, x)])

    def _stacks(self, parameters: Mapping[str, Tensor], x: Tensor) -> Iterator[tuple[Parameters, Tensor]]:
        """As many models and their inputs at a time as are best computed together."""
        some = len(x) if x.device.type == "cuda" else self._in_cache(x)
        stacks = zip(*(value.split(some) for value in parameters.values()), strict=True)
        for stack, part in zip(stacks, x.split(some), strict=True):
            yield dict(zip(parameters, stack, strict=True)), part

    def _in_cache(self, x: Tensor) -> int:
        """How many models' widest activations are together within ``CACHED``; one at least."""
        pixels = x[0].numel() / x.shape[2]
        widest = max(width / 4**block for block, width in enumerate(self.channels))
        return max(1, int(CACHED / (pixels * widest)))

    def _logits(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, channels, H, W) -> logits (K, B, C)."""
        features = self._means(parameters, x)
        return torch.baddbmm(parameters["head.bias"].unsqueeze(1), features, parameters["head.weight"].mT)

    def _means(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """What the head sees (K, B, D): one program, whose images have all K models' channels side by side.

        Channels lie innermost (channels_last): pooling is then five to ten times faster on a CPU, and a
        convolution of few channels up to three times.
        """
        K = len(x)
        h = as_batch(x).transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for block in range(len(self.channels)):
            weight, gain, bias = (
                parameters[f"block{block}.{part}"].flatten(0, 1) for part in ("weight", "gain", "bias")
            )
            h = functional.conv2d(h, weight, padding=1, groups=K)
            h = functional.group_norm(h, K * self.groups, gain, bias)
            if min(h.shape[-2:]) > 1:
                h = functional.max_pool2d(h, 2)
            h = h.relu()  # after pooling: the same numbers from a quarter of the work
        return h.mean((-2, -1)).unflatten(1, (K, -1)).transpose(0, 1)
