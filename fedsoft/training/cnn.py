"""A small convolutional net for images."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from fedsoft.training.convnet import ConvNet, normalise, require_images
from fedsoft.training.convolution import convolve
from fedsoft.training.model import MODELS


@MODELS("cnn")
class Cnn(ConvNet):
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
        require_images("cnn", inputs)
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

    def widest(self) -> float:
        """As in the base class; each block's pooling leaves a quarter of the pixels."""
        return max(width / 4**block for block, width in enumerate(self.channels))

    def layers(self, parameters: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """As in the base class."""
        h = images
        for block in range(len(self.channels)):
            weight, gain, bias = (parameters[f"block{block}.{part}"] for part in ("weight", "gain", "bias"))
            h = normalise(convolve(h, weight), gain, bias, self.groups)
            if min(h.shape[-2:]) > 1:
                h = functional.max_pool2d(h, 2)
            h = h.relu()  # after pooling: the same numbers from a quarter of the work
        return h
